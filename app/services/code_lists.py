"""Code lists with their labels in the language of the request."""

from app.errors import NotFound
from app.kit.pagination import Paginator
from app.schemas import codes
from app.schemas.fault_explanations import FAULT_EXPLANATIONS
from app.schemas.fault_messages import KHMER_MESSAGES
from app.schemas.reference import Code, CodeList, CodeListIndex, FaultCodeExplanation, FaultCodeList
from app.schemas.wire import PageQuery

FAULT_TITLES = {"en": "Fault codes", "km": "លេខកូដកំហុស"}


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


def get_fault_code_list(language: str) -> FaultCodeList:
    """Return the fault codes with their explanations. A code without a Khmer text has an English label."""
    codes_with_explanations = [
        FaultCodeExplanation(
            code=code,
            label=KHMER_MESSAGES.get(code, explanation) if language == "km" else explanation,
            en=explanation,
            km=KHMER_MESSAGES.get(code),
        )
        for code, explanation in FAULT_EXPLANATIONS.items()
    ]
    return FaultCodeList(
        name="fault", title=FAULT_TITLES[language], codes=codes_with_explanations, **FAULT_TITLES
    )


def _to_schema(code_list: codes.CodeList, language: str) -> CodeList:
    items = [
        Code(code=code.code, label=code.km if language == "km" else code.en, en=code.en, km=code.km)
        for code in code_list.codes
    ]
    titles = code_list.titles
    return CodeList(
        name=code_list.name, title=titles[language], en=titles["en"], km=titles["km"], codes=items
    )
