"""Small models of transformers with random weights, in folders as it writes them."""

import json

import pytest
import torch

SIZE = 16  # of a picture of the towers
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "cat", "dog", "on", "the", "mat", "##s"]
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
VISION = {"image_size": SIZE, "patch_size": 8, **SMALL}
TEXT = {"vocab_size": len(WORDS), "max_position_embeddings": 12, "pad_token_id": 0, **SMALL}


def models():
    """Return how each model is made, by name, with the modality that it reads."""
    import transformers as tf

    clip_text = {**TEXT, "bos_token_id": 2, "eos_token_id": 3}
    return {
        "vit": lambda: tf.ViTModel(tf.ViTConfig(**VISION)),
        "deit": lambda: tf.DeiTModel(tf.DeiTConfig(**VISION)),
        "dinov2": lambda: tf.Dinov2Model(tf.Dinov2Config(**VISION)),
        "dinov2-registers": lambda: tf.Dinov2WithRegistersModel(
            tf.Dinov2WithRegistersConfig(**VISION)
        ),
        "clip-vision": lambda: tf.CLIPVisionModel(tf.CLIPVisionConfig(**VISION)),
        "siglip-vision": lambda: tf.SiglipVisionModel(tf.SiglipVisionConfig(**VISION)),
        "clip-text": lambda: tf.CLIPTextModel(tf.CLIPTextConfig(**clip_text)),
        "siglip-text": lambda: tf.SiglipTextModel(tf.SiglipTextConfig(**TEXT)),
        "bert": lambda: tf.BertModel(tf.BertConfig(**TEXT)),
        "roberta": lambda: tf.RobertaModel(
            tf.RobertaConfig(**{**TEXT, "max_position_embeddings": 14})
        ),
        "distilbert": lambda: tf.DistilBertModel(
            tf.DistilBertConfig(
                vocab_size=len(WORDS),
                max_position_embeddings=12,
                dim=16,
                n_layers=3,
                n_heads=2,
                hidden_dim=24,
                pad_token_id=0,
            )
        ),
        "clip": lambda: tf.CLIPModel(
            tf.CLIPConfig(text_config=clip_text, vision_config=VISION, projection_dim=8)
        ),
        "siglip": lambda: tf.SiglipModel(tf.SiglipConfig(text_config=TEXT, vision_config=VISION)),
    }


def _write_tokenizer(folder):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    words = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 12,
        "pad_token": "[PAD]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.fixture(scope="session")
def write_tokenizer():
    """Return a function that writes a tokenizer of a few words into a folder."""
    return _write_tokenizer


@pytest.fixture(scope="session")
def towers(tmp_path_factory):
    """Return the folder of a model by its name; each is written once."""
    pytest.importorskip("transformers")
    root = tmp_path_factory.mktemp("towers")

    def folder(name):
        path = root / name
        if not path.exists():
            with torch.random.fork_rng():
                torch.manual_seed(len(name))
                model = models()[name]().eval()
                for weight in model.parameters():  # most start at 0, 1 or very small
                    weight.data += 0.3 * torch.randn_like(weight)
            model.save_pretrained(path)
            if "vision" in name or name in ("vit", "deit", "clip", "siglip") or "dino" in name:
                _write_preprocessor(path, name)
            if any(kind in name for kind in ("text", "bert")) or name in ("clip", "siglip"):
                _write_tokenizer(path)
        return path

    return folder


def _write_preprocessor(path, name):
    import transformers as tf

    mean, std = [0.48, 0.45, 0.4], [0.27, 0.26, 0.28]
    if ("clip" in name and "siglip" not in name) or "dino" in name:
        settings = {
            "size": {"shortest_edge": SIZE + 2},
            "do_center_crop": True,
            "crop_size": {"height": SIZE, "width": SIZE},
        }
    else:
        settings = {"size": {"height": SIZE, "width": SIZE}, "resample": 2}
    kind = tf.CLIPImageProcessorPil if "do_center_crop" in settings else tf.ViTImageProcessorPil
    kind(image_mean=mean, image_std=std, **settings).save_pretrained(path)
