"""JSON merge patch (RFC 7396): absent fields keep their value, null removes a field, objects are merged."""

from functools import cache
from types import GenericAlias, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, create_model, model_validator

from app.schemas.wire import Input


def build_patch_model(
    model: type[BaseModel],
    name: str,
    *,
    exclude: frozenset[str] = frozenset(),
) -> type[Input]:
    """Return the merge patch schema of a model: every field, including those of nested models, is optional and nullable.

    The service validates the merged result against `model` itself. The patch schema of a nested model is named after
    that model, for example `BirthUpdate`.

    A model can declare `ALTERNATIVE_FIELDS`, groups of fields of which a valid model has one; groups can share fields. A patch that sets fields of
    one group then removes the fields of the other groups, so that no client has to send them as null.
    """
    hints = get_type_hints(model, include_extras=True)
    fields: dict[str, Any] = {
        field: (
            _make_patchable(hints[field]) | None,
            Field(None, description=info.description),
        )
        for field, info in model.model_fields.items()
        if field not in exclude
    }
    groups: tuple[tuple[str, ...], ...] = getattr(model, "ALTERNATIVE_FIELDS", ())
    return create_model(
        name,
        __base__=Input,
        __doc__=f"Changes to `{model.__name__}` (JSON merge patch).",
        __validators__={"remove_alternatives": _build_alternatives_validator(groups)} if groups else None,
        **fields,
    )


def _build_alternatives_validator(groups: tuple[tuple[str, ...], ...]) -> Any:
    fields = {name for group in groups for name in group}

    def remove_alternatives(patch: BaseModel) -> BaseModel:
        given = {name for name in fields if getattr(patch, name) is not None}
        possible = [group for group in groups if given and given <= {*group}]
        if possible:
            for name in fields.difference(*possible):
                setattr(patch, name, None)  # also marks the field as set
        return patch

    return model_validator(mode="after")(remove_alternatives)


@cache
def _build_nested_patch_model(model: type[BaseModel]) -> type[Input]:
    """Return the patch schema of a nested model: one class for all outer schemas, so that OpenAPI has one component."""
    return build_patch_model(model, f"{model.__name__}Update")


def _make_patchable(annotation: Any) -> Any:
    """Return the annotation with each nested model replaced by its patch schema.

    Values of mappings become nullable, because null removes an entry. A list is replaced as a whole, so the models of
    its items stay as they are.
    """
    kind = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if get_origin(kind) is dict:
        key, value = get_args(kind)
        return GenericAlias(dict, (key, _make_patchable(value) | None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _build_nested_patch_model(annotation)
    if get_origin(annotation) in {Union, UnionType}:
        kinds = [_make_patchable(kind) for kind in get_args(annotation) if kind is not type(None)]
        return Union[tuple(kinds)]  # noqa: UP007 - the members are computed
    return annotation


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """Apply a merge patch to a JSON document and return the result (RFC 7396, section 2)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = apply_merge_patch(merged.get(name), value)
    return merged
