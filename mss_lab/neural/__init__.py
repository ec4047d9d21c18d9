"""Networks: the one folder that knows torch.

Nothing outside it imports torch, and `import mss_lab` does not import it. What training needs works where only numpy,
torch, lightning and safetensors are installed.
"""
