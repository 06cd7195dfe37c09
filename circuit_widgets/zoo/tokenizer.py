"""A word-level tokenizer whose files ship with the package: no network.

Text is lowercased; a word is a token. A word outside the vocabulary, an emoji and a run of
punctuation are one `<unk>` each. `<bos>` is put in front. Decoding one
token gives the bare word ("dog"); several are joined by spaces.
"""

from __future__ import annotations

import json
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from .words import BOS, PAD, UNK, VOCABULARY


def save_tokenizer(folder: Path, n_ctx: int) -> None:
    """Build the tokenizer and write its files.

    It has to go through files: TransformerLens reads `init_kwargs["name_or_path"]`, which only a
    tokenizer that was loaded from a folder has.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {word: index for index, word in enumerate(VOCABULARY)}
    core = Tokenizer(models.WordLevel(ids, unk_token=UNK))
    core.normalizer = normalizers.Lowercase()  # pyright: ignore[reportAttributeAccessIssue]
    core.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    core.post_processor = processors.TemplateProcessing(  # pyright: ignore[reportAttributeAccessIssue]
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, ids[BOS])]
    )
    # Every special token is named, or TransformerLens adds "<|endoftext|>" with an id that the
    # embedding does not have.
    fast = PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token=BOS,
        eos_token=BOS,
        unk_token=UNK,
        pad_token=PAD,
        padding_side="right",
        model_max_length=n_ctx,
        clean_up_tokenization_spaces=False,
    )
    fast.save_pretrained(str(folder))
    # The class has another name in every release of transformers; this one they all understand.
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The saved tokenizer, from files alone."""
    # add_bos_token tells TransformerLens that BOS is already put in front; it would load the folder
    # once more to have it so.
    return PreTrainedTokenizerFast.from_pretrained(
        str(folder), local_files_only=True, add_bos_token=True
    )
