"""A prompt as the model's tokens, and each token as text for people."""

from __future__ import annotations

import operator
import re
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.models import n_context
from circuit_widgets.prompts.characters import in_characters, in_text, shown_after
from circuit_widgets.prompts.unknown_words import about_unknown_words

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_showers: weakref.WeakKeyDictionary[Any, Callable[[int], str]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Tokens:
    r"""A prompt for one model.

    Attributes:
        ids: On the model's device, with what the model puts in front of a text.
        strings: What each token shows as: text, never HTML, with its leading space and newlines as
            they are. A token that is a part of a character shows the character, and which part it
            is: "蓝⟨1/3⟩"; bytes that make no whole character are written out: "\xf0\x9f".
        text: The prompt.
        has_bos: Whether position 0 is a special token (BOS, CLS) that stands before the text.
    """

    ids: Int[Tensor, "1 pos"]
    strings: tuple[str, ...]
    text: str
    has_bos: bool


def tokenize(
    model: TransformerBridge, prompt: str | Sequence[int] | Tensor, *, warn: bool = True
) -> Tokens:
    """The tokens of a prompt, as `model.to_tokens` makes them, or of ids as they are.

    A text gets a BOS token in front if the model is set to it (`cfg.default_prepend_bos`, on by
    default) and its vocabulary has one. Ids get nothing; `has_bos` says if they begin with one.

    A word that the model does not know becomes its unknown token, with a warning that names it
    (`warn`).

    Raises:
        TypeError: Neither text nor ids.
        ValueError: Nothing to read; longer than the context; an id out of the vocabulary; a text
            for a model without a tokenizer.
    """
    tokenizer = getattr(model, "tokenizer", None)
    if isinstance(prompt, str):
        ids, has_bos = _of_text(model, tokenizer, prompt)
    else:
        ids = _of_ids(prompt)
        has_bos = bool(ids) and ids[0] in _beginnings(tokenizer)
    longest = n_context(model)
    if len(ids) > longest:
        raise ValueError(
            f"the prompt has {len(ids)} tokens and the model's context is {longest}: "
            f"leave out {len(ids) - longest}"
        )
    n_vocab = int(model.cfg.d_vocab)
    for id in ids:
        if not 0 <= id < n_vocab:
            raise ValueError(
                f"there is no token {id}; this model's vocabulary has ids 0 to {n_vocab - 1}"
            )
    if isinstance(prompt, str):
        text = prompt
        unknown = about_unknown_words(model, text) if warn else None
        if unknown:
            warnings.warn(unknown, UserWarning, stacklevel=2)
    elif tokenizer is None:
        text = " ".join(map(str, ids))
    else:
        text = str(tokenizer.decode(ids[has_bos:]))
        if "\ufffd" in text:
            text = in_text([show_token(model, id) for id in ids[has_bos:]])
    return Tokens(
        ids=torch.tensor([ids], dtype=torch.long, device=model.cfg.device),
        strings=show_tokens(model, ids),
        text=text,
        has_bos=has_bos,
    )


def show_tokens(model: TransformerBridge, ids: Iterable[int]) -> tuple[str, ...]:
    """What the tokens of a text show as, in order: see `Tokens.strings`."""
    return in_characters([show_token(model, id) for id in ids])


def show_token_after(model: TransformerBridge, before: Sequence[int], id: int) -> str:
    """What a token shows as that may follow others: one may complete a character of theirs."""
    return shown_after(lambda each: show_token(model, each), before, id)


def show_token(model: TransformerBridge, id: int) -> str:
    """What one token shows as alone; never empty, so that it can be seen and clicked."""
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        return str(id)
    show = _showers.get(tokenizer)
    if show is None:
        show = _showers[tokenizer] = _shower(tokenizer)
    return show(id)


def _of_text(model: TransformerBridge, tokenizer: Any, text: str) -> tuple[list[int], bool]:
    if tokenizer is None:
        raise ValueError(
            "this model has no tokenizer, so it cannot read text; pass token ids, as in [3, 1, 4]"
        )
    if not text:
        raise ValueError("the prompt is empty; write at least one word")
    ids: list[int] = model.to_tokens(text, truncate=False, move_to_device=False)[0].tolist()
    typed = tokenizer(text, add_special_tokens=False)["input_ids"]
    has_bos = len(ids) > len(typed) and ids[0] in _beginnings(tokenizer)
    # TransformerLens gives a BOS to a tokenizer that has none; the embedding has no row for it.
    if has_bos and ids[0] >= model.cfg.d_vocab:
        ids, has_bos = ids[1:], False
    if len(ids) == has_bos:
        raise ValueError(
            f"the prompt {arguments.shown(text)} has no tokens for this model; write a word"
        )
    return ids, has_bos


def _of_ids(prompt: Any) -> list[int]:
    if isinstance(prompt, Tensor):
        if prompt.is_floating_point() or prompt.dtype == torch.bool:
            raise TypeError(f"the prompt is a tensor of {prompt.dtype}; accepted are integer ids")
        if prompt.ndim == 2 and len(prompt) == 1:
            prompt = prompt[0]
        if prompt.ndim != 1:
            raise ValueError(
                f"the prompt has shape {list(prompt.shape)}; accepted are ids of one prompt, "
                "[pos] or [1, pos]"
            )
        ids: list[int] = prompt.tolist()
    elif isinstance(prompt, (list, tuple)) and any(isinstance(item, str) for item in prompt):
        raise TypeError(
            f"the prompt is {arguments.shown(prompt)}, a list of texts; accepted here is one text, "
            f"such as {next(item for item in prompt if isinstance(item, str))!r}, or the ids of one"
        )
    else:
        try:
            # Bytes would pass as numbers and a set in any order; neither is what is meant by ids.
            if isinstance(prompt, (bytes, bytearray, Mapping, Set)):
                raise TypeError
            ids = [_id(item) for item in prompt]
        except TypeError:
            raise TypeError(
                f"the prompt is {arguments.shown(prompt)}; accepted are one text, or the ids of one"
            ) from None
    if not ids:
        raise ValueError("the prompt is empty; pass at least one token")
    return ids


def _id(item: Any) -> int:
    if isinstance(item, bool):
        raise TypeError
    # numpy's and torch's integers too, but no 5.7.
    return operator.index(item)


def _beginnings(tokenizer: Any) -> set[int]:
    """Ids of the tokens that stand before a text."""
    ids = (getattr(tokenizer, name, None) for name in ("bos_token_id", "cls_token_id"))
    return {id for id in ids if id is not None}


def _shower(tokenizer: Any) -> Callable[[int], str]:
    """How to show this tokenizer's tokens.

    Not `decode`: of one token alone it drops the leading space (SentencePiece) and makes one
    replacement character of every broken one, so that the parts of an emoji all look the same.
    """
    added = {id: str(token) for id, token in getattr(tokenizer, "added_tokens_decoder", {}).items()}
    part = _part(tokenizer)

    def show(id: int) -> str:
        if id in added:
            return added[id] or f"<{id}>"
        try:
            raw = tokenizer.convert_ids_to_tokens(id)
        except (IndexError, KeyError, OverflowError):
            raw = None
        # A padded vocabulary has rows without a token.
        return f"<{id}>" if raw is None else part(raw, id) or f"<{id}>"

    return show


def _part(tokenizer: Any) -> Callable[[str, int], str]:
    """What a piece of the vocabulary stands for, by the kind of tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    decoder = getattr(backend, "decoder", None)
    # The decoder's own settings as JSON: the whole tokenizer's are megabytes.
    kind = "" if decoder is None else decoder.__getstate__().decode("utf-8", "replace")
    if '"ByteLevel"' in kind or hasattr(tokenizer, "byte_decoder"):
        to_byte = _byte_alphabet()

        def of_bytes(raw: str, id: int) -> str:
            if not all(letter in to_byte for letter in raw):
                return raw
            return _text_of(bytes(to_byte[letter] for letter in raw))

        return of_bytes
    if "▁" in kind or '"Metaspace"' in kind or hasattr(tokenizer, "sp_model"):

        def of_pieces(raw: str, id: int) -> str:
            byte = _BYTE.fullmatch(raw)
            return _text_of(bytes.fromhex(byte[1])) if byte else raw.replace("▁", " ")

        return of_pieces
    if backend is not None:
        # Words or word pieces: as they are in the vocabulary.
        return lambda raw, id: raw
    return lambda raw, id: str(tokenizer.decode([id]))


def _text_of(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _byte_alphabet() -> dict[str, int]:
    """The letters that stand for bytes in byte-level BPE (Radford et al. 2019, GPT-2).

    Bytes that print stand for themselves; the other 68 got the letters from U+0100 on.
    """
    prints = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in prints]
    letters = {chr(byte): byte for byte in prints}
    return letters | {chr(256 + i): byte for i, byte in enumerate(others)}
