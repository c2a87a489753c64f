"""Models for others: official checkpoints, ONNX, torch.export, the Hugging Face Hub."""
