"""Code lists with their labels in the language of the request."""

from app.errors import NotFound
from app.kit.pagination import Paginator
from app.schemas import codes
from app.schemas.reference import Code, CodeList, CodeListIndex
from app.schemas.wire import PageQuery


def list_code_lists(language: str, page: PageQuery) -> CodeListIndex:
    """Return a page of the code lists, in alphabetical order of their names."""
    paginator = Paginator("codes", page.limit, page.cursor, {})
    code_lists, cursor = paginator.paginate_items(
        list(codes.CODE_LISTS.values()), lambda code_list: code_list.name
    )
    items = [_to_schema(code_list, language) for code_list in code_lists]
    return CodeListIndex(items=items, next_cursor=cursor)


def get_code_list(name: str, language: str) -> CodeList:
    """Return a code list.

    Raises:
        NotFound: The code list does not exist.
    """
    if name not in codes.CODE_LISTS:
        raise NotFound
    return _to_schema(codes.CODE_LISTS[name], language)


def _to_schema(code_list: codes.CodeList, language: str) -> CodeList:
    items = [
        Code(code=code.code, label=code.km if language == "km" else code.en, en=code.en, km=code.km)
        for code in code_list.codes
    ]
    titles = code_list.titles
    return CodeList(
        name=code_list.name, title=titles[language], en=titles["en"], km=titles["km"], codes=items
    )
