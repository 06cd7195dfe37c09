"""Words that a model's tokenizer does not know, and reads as one and the same token."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# More words than that are counted, not named.
_NAMED = 5


def unknown_words(model: TransformerBridge, text: str) -> dict[str, list[str]]:
    """The words of a text that the model does not know, each with the closest that it knows.

    Tokenizers of bytes or word pieces know every word.

    >>> import circuit_widgets as cw
    >>> unknown_words(cw.load_model(), "blue dogs 蓝 dog")
    {'dogs': ['dog'], '蓝': []}
    """
    tokenizer: Any = getattr(model, "tokenizer", None)
    unknown = getattr(tokenizer, "unk_token_id", None)
    if unknown is None or not getattr(tokenizer, "is_fast", False):
        return {}
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    places = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    words = [text[start:end] for id, (start, end) in places if id == unknown]
    # Someone may have written the token itself.
    words = [word for word in dict.fromkeys(words) if word and word != tokenizer.unk_token]
    known = set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens) if words else set()
    return {word: difflib.get_close_matches(word.lower(), sorted(known)) for word in words}


def about_unknown_words(model: TransformerBridge, text: str) -> str | None:
    """A sentence for the user, if there are words that the model does not know.

    >>> import circuit_widgets as cw
    >>> about_unknown_words(cw.load_model(), "blue dogz").split(";")[0]
    'The model does not know “dogz” (closest: dog)'
    """
    words = unknown_words(model, text)
    if not words:
        return None
    named = [
        f"“{word}” (closest: {', '.join(close)})" if close else f"“{word}”"
        for word, close in [*words.items()][:_NAMED]
    ]
    more = f" and {len(words) - _NAMED} more words" if len(words) > _NAMED else ""
    them = "it" if len(words) == 1 else "them"
    where = "model.words" if hasattr(model, "words") else "model.tokenizer.get_vocab()"
    return (
        f"The model does not know {', '.join(named)}{more}; it reads {them} as "
        f"{model.tokenizer.unk_token}. {where} has the words that it knows."
    )
