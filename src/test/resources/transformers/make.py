#!/usr/bin/env python3
"""Makes the checkpoints in this folder with transformers, and what transformers answers with them.

usage: make.py [FOLDER]     needs torch and transformers; made with torch 2.13.0 and transformers 5.19.0

Weights are random with a fixed seed, wide enough that tokens differ. They are stored in the dtype that the name tells; the
answers are computed in float32 from what was stored, as bestfit's CPU executor does. expected.json holds for each prompt the
greedy continuation, and the log-probabilities of all tokens after the prompt.
"""
import json, pathlib, shutil, sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

HERE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
HERE = HERE if HERE.is_dir() else HERE.parent
SIZES = dict(vocab_size=192, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.25, bos_token_id=None,
             eos_token_id=0, pad_token_id=0)
TOKENS = 40
MODELS = {
    "qwen3-float32": (Qwen3ForCausalLM, Qwen3Config(head_dim=16, tie_word_embeddings=False, **SIZES), torch.float32),
    "qwen3-float16": (Qwen3ForCausalLM, Qwen3Config(head_dim=8, tie_word_embeddings=True, rms_norm_eps=1e-5, **SIZES), torch.float16),
    "llama-float32": (LlamaForCausalLM, LlamaConfig(tie_word_embeddings=False, rope_theta=500000.0, **SIZES), torch.float32),
    "llama-bfloat16": (LlamaForCausalLM, LlamaConfig(tie_word_embeddings=True, **SIZES), torch.bfloat16),
}


@torch.no_grad()
def answer(model, prompt):
    tokens = list(prompt)
    first = None
    for _ in range(TOKENS):
        logits = model(torch.tensor([tokens])).logits[0, -1]
        if first is None:
            first = [round(x, 6) for x in torch.log_softmax(logits, -1).tolist()]
        tokens.append(int(logits.argmax()))
    return dict(prompt=list(prompt), tokens=tokens[len(prompt):], logprobs=first)


for name, (kind, config, dtype) in MODELS.items():
    torch.manual_seed(len(name))
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model = kind(config)
    for parameter_name, parameter in model.named_parameters():
        if "norm" in parameter_name:  # not all ones, or a norm left out would not show
            parameter.data = 1 + 0.3 * torch.randn_like(parameter)
    model.to(dtype).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    read = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(7)
    prompts = [torch.randint(1, SIZES["vocab_size"], (length,), generator=generator).tolist() for length in (1, 7, 33, 90)]
    (folder / "expected.json").write_text(json.dumps([answer(read, prompt) for prompt in prompts]) + "\n")
    print(name, [len(set(case["tokens"])) for case in json.loads((folder / "expected.json").read_text())])
