"""Code lists with their labels in English and Khmer."""

from app.errors import NotFound
from app.kit.pagination import Paginator
from app.schemas import codes
from app.schemas.reference import Code, CodeList, CodeListIndex
from app.schemas.wire import PageQuery


def list_code_lists(language: str, page: PageQuery) -> CodeListIndex:
    """Return the lists, by name."""
    paging = Paginator("codes", page.limit, page.cursor, {})
    found, cursor = paging.paginate_items(list(codes.CODE_LISTS.values()), lambda listed: listed.name)
    return CodeListIndex(items=[_to_schema(one, language) for one in found], next_cursor=cursor)


def get_code_list(name: str, language: str) -> CodeList:
    """Return one list.

    Raises:
        NotFound: there is no list of that name.
    """
    if name not in codes.CODE_LISTS:
        raise NotFound
    return _to_schema(codes.CODE_LISTS[name], language)


def _to_schema(found: codes.CodeList, language: str) -> CodeList:
    items = [
        Code(code=code.code, label=code.km if language == "km" else code.en, en=code.en, km=code.km)
        for code in found.codes
    ]
    titles = found.titles
    return CodeList(name=found.name, title=titles[language], en=titles["en"], km=titles["km"], codes=items)
