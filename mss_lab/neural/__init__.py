"""Networks: the only folder that imports torch.

No file outside it imports torch, and `import mss_lab` does not import this folder. Training works where only numpy,
torch, lightning and safetensors are installed.
"""
