"""Prompts as tokens, and tokens as text: every kind of tokenizer, and what people paste."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from circuit_widgets.prompts.tokens import _byte_alphabet, show_token, show_token_after, tokenize
from tests import tiny

EMOJI = "\N{GRINNING FACE}"  # four bytes
ATTACK = "<img src=x onerror=alert(1)>"


def saved(core: Any, folder: Path, **special: str) -> Any:
    """Through files: TransformerLens wants a tokenizer that has a folder."""
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=core, clean_up_tokenization_spaces=False, **special
    ).save_pretrained(str(folder))
    return transformers.PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True)


def byte_level(folder: Path, bos: bool = True) -> Any:
    """GPT-2's kind: bytes and a few merges. Without `bos` it has no special tokens at all."""
    merges = [("h", "e"), ("Ġ", "d"), ("Ġd", "o"), ("Ġdo", "g"), ("ð", "Ł")]
    tokens = [*(["<s>"] if bos else []), *_byte_alphabet(), *("".join(pair) for pair in merges)]
    core = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = {"bos_token": "<s>", "eos_token": "<s>", "pad_token": "<s>"} if bos else {}
    return saved(core, folder, **special)


def sentence_piece(folder: Path) -> Any:
    """Llama 2's kind: spaces as U+2581, bytes as <0x..>, BOS by the tokenizer itself."""
    pieces = ["<unk>", "<s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces += ["▁", "d", "o", "g", "do", "dog", "▁dog"]
    merges = [("d", "o"), ("do", "g"), ("▁", "dog")]
    ids = {piece: i for i, piece in enumerate(pieces)}
    core = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", byte_fallback=True))
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    core.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return saved(core, folder, bos_token="<s>", eos_token="<s>", unk_token="<unk>", pad_token="<s>")


def word_piece(folder: Path) -> Any:
    """BERT's kind: [CLS] in front, pieces inside a word begin with ##."""
    words = ["[UNK]", "[CLS]", "[PAD]", "dog", "##s", "##gy"]
    core = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.decoder = decoders.WordPiece()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 1)]
    )
    return saved(
        core, folder, cls_token="[CLS]", unk_token="[UNK]", pad_token="[PAD]", eos_token="[PAD]"
    )


def bridge(tokenizer: Any, n_vocab: int = 300, **changes: Any):
    config = transformers.LlamaConfig(
        **{**tiny._LLAMA_LIKE, "vocab_size": n_vocab, **changes}, num_key_value_heads=2
    )
    return tiny.of_config(config, tokenizer)


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory):
    return bridge(byte_level(tmp_path_factory.mktemp("bpe")), max_position_embeddings=600)


def test_text(bpe) -> None:
    tokens = tokenize(bpe, "he dog\n dog")
    assert tokens.strings == ("<s>", "he", " dog", "\n", " dog")
    assert tokens.text == "he dog\n dog"
    assert tokens.has_bos
    assert tokens.ids.shape == (1, 5) and tokens.ids.dtype == torch.long
    assert torch.equal(tokens.ids, bpe.to_tokens("he dog\n dog"))


@pytest.mark.parametrize(
    "text",
    [
        "中文 字",
        "שלום עולם",
        "a" * 500,
        ATTACK,
        f"{EMOJI} e\N{COMBINING ACUTE ACCENT}\t\r\n\n",
        "\x00\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}",
        " ",
        "\N{ZERO WIDTH JOINER}",
    ],
)
def test_one_string_per_token_and_nothing_is_lost(bpe, text: str) -> None:
    tokens = tokenize(bpe, text)
    assert len(tokens.strings) == tokens.ids.shape[1]
    assert all(tokens.strings)
    assert all(isinstance(string, str) for string in tokens.strings)
    # Of a character that is several tokens, the first has the character and the spaces before it.
    later_parts = re.compile(r".+⟨([2-4])/[2-4]⟩", re.DOTALL)
    whole = [each for each in tokens.strings[1:] if not later_parts.fullmatch(each)]
    assert "".join(re.sub(r"⟨1/[2-4]⟩$", "", each) for each in whole) == text


def test_parts_of_a_character_say_so_and_can_be_told_apart(bpe) -> None:
    shown = tuple(f"{EMOJI}⟨{part}/3⟩" for part in (1, 2, 3))
    assert tokenize(bpe, EMOJI).strings[1:] == shown
    assert tokenize(bpe, f"he{EMOJI}").strings[2:] == shown


def test_bytes_that_are_no_character_are_written_out(bpe) -> None:
    ids = tokenize(bpe, EMOJI).ids[0].tolist()
    assert tokenize(bpe, ids[:3]).strings[1:] == (r"\xf0\x9f", r"\x98")
    assert tokenize(bpe, ids[2:]).strings == (r"\x98", r"\x80")
    # The prompt has no other sign for them.
    assert tokenize(bpe, [*ids, *ids[1:3]]).text == rf"{EMOJI}\xf0\x9f\x98"


def test_a_next_token_that_completes_a_character_shows_as_its_part(bpe) -> None:
    ids = tokenize(bpe, f"he{EMOJI}").ids[0].tolist()
    assert show_token_after(bpe, ids[:4], ids[4]) == f"{EMOJI}⟨3/3⟩"
    assert show_token_after(bpe, ids[:2], ids[4]) == r"\x80"
    assert show_token_after(bpe, [], ids[1]) == "he"


def test_markup_is_text(bpe) -> None:
    assert "".join(tokenize(bpe, ATTACK).strings[1:]) == ATTACK


def test_ids(bpe) -> None:
    ids = tokenize(bpe, "he dog").ids
    forms: Any = (ids, ids[0], ids[0].tolist(), tuple(ids[0]), ids.int(), ids[0].numpy())
    for prompt in forms:
        tokens = tokenize(bpe, prompt)
        assert torch.equal(tokens.ids, ids)
        assert tokens.strings == ("<s>", "he", " dog")
        assert tokens.text == "he dog" and tokens.has_bos
    tokens = tokenize(bpe, ids[0, 1:])
    assert tokens.strings == ("he", " dog") and not tokens.has_bos


def test_a_bos_that_the_user_typed_is_not_ours(bpe) -> None:
    tokens = tokenize(bpe, "<s>he")
    assert tokens.strings == ("<s>", "<s>", "he") and tokens.has_bos
    bpe.cfg.default_prepend_bos = False
    try:
        tokens = tokenize(bpe, "<s>he")
        assert tokens.strings == ("<s>", "he") and not tokens.has_bos
        assert tokenize(bpe, "he").strings == ("he",)
    finally:
        bpe.cfg.default_prepend_bos = True


def test_sentence_pieces_keep_their_spaces(tmp_path: Path) -> None:
    model = bridge(sentence_piece(tmp_path))
    tokens = tokenize(model, f"dog dog{EMOJI}\n")
    assert tokens.strings == (
        *("<s>", " dog", " dog"),
        *(f"{EMOJI}⟨{part}/4⟩" for part in (1, 2, 3, 4)),
        "\n",
    )
    assert tokens.has_bos
    model.cfg.default_prepend_bos = False
    tokens = tokenize(model, "dog")
    assert tokens.strings == (" dog",) and not tokens.has_bos


def test_word_pieces_show_that_they_are_pieces(tmp_path: Path) -> None:
    tokens = tokenize(bridge(word_piece(tmp_path), 97), "dogs doggy cat")
    assert tokens.strings == ("[CLS]", "dog", "##s", "dog", "##gy", "[UNK]")
    assert tokens.has_bos


def test_a_tokenizer_without_a_bos_gets_none(tmp_path: Path) -> None:
    tokenizer = byte_level(tmp_path, bos=False)
    assert tokenizer.bos_token is None
    # TransformerLens gives it one, with an id that this embedding has no row for.
    tokens = tokenize(bridge(tokenizer, len(tokenizer)), "he dog")
    assert tokens.strings == ("he", " dog") and not tokens.has_bos


def test_added_tokens_and_rows_without_a_token(tmp_path: Path) -> None:
    tokenizer = byte_level(tmp_path)
    # As it is written, and not as bytes: Ġ is a letter here.
    tokenizer.add_tokens([AddedToken("Ġ  é")])
    # TransformerLens reads the folder again.
    tokenizer.save_pretrained(str(tmp_path))
    model = bridge(tokenizer, 400)
    assert show_token(model, len(tokenizer) - 1) == "Ġ  é"
    assert show_token(model, 399) == "<399>"


def test_the_toy_of_the_zoo() -> None:
    from circuit_widgets.models import load_model

    model = load_model()
    tokens = tokenize(model, "blue dog seven blue dog")
    assert tokens.strings == ("<bos>", "blue", "dog", "seven", "blue", "dog")
    assert tokens.has_bos
    with pytest.raises(ValueError, match=r"' +' has no tokens for this model"):
        tokenize(model, "  ")


def test_a_model_without_a_tokenizer() -> None:
    model = tiny.native()
    tokens = tokenize(model, [3, 1, 4])
    assert tokens.strings == ("3", "1", "4") and tokens.text == "3 1 4" and not tokens.has_bos
    with pytest.raises(ValueError, match=r"has no tokenizer.*pass token ids"):
        tokenize(model, "hello")


def test_what_is_no_prompt(bpe) -> None:
    wrong: list[Any] = [
        None,
        3,
        2.5,
        b"he",
        [1.5],
        [True],
        [[1, 2]],
        {1, 2},
        object(),
    ]
    for prompt in wrong:
        with pytest.raises(TypeError, match="accepted are one text, or the ids of one"):
            tokenize(bpe, prompt)
    with pytest.raises(TypeError, match="a list of texts; accepted here is one text, such as 'he'"):
        tokenize(bpe, ["he", "dog"])
    for tensor in (torch.ones(3), torch.ones(3, dtype=torch.bool)):
        with pytest.raises(TypeError, match="accepted are integer ids"):
            tokenize(bpe, tensor)
    with pytest.raises(ValueError, match=r"shape \[2, 3\]; accepted are ids of one prompt"):
        tokenize(bpe, torch.ones(2, 3, dtype=torch.long))


def test_nothing_to_read(bpe) -> None:
    with pytest.raises(ValueError, match="the prompt is empty; write at least one word"):
        tokenize(bpe, "")
    for prompt in ([], torch.tensor([], dtype=torch.long)):
        with pytest.raises(ValueError, match="the prompt is empty; pass at least one token"):
            tokenize(bpe, prompt)


def test_too_long_and_out_of_the_vocabulary(bpe) -> None:
    with pytest.raises(ValueError, match="prompt has 701 tokens and the model's context is 600"):
        tokenize(bpe, "a" * 700)
    assert tokenize(bpe, "a" * 599).ids.shape == (1, 600)
    for id in (300, -1):
        with pytest.raises(ValueError, match=f"no token {id}; this model's vocabulary has ids 0"):
            tokenize(bpe, [0, id])
