import numpy as np
import torch

from mss_lab.neural import frontend

duet = lab.given("16.2")
window, hop = 512, 128
S_stft = frontend.stft(torch.tensor(duet["train"]), window, hop)
S, X = S_stft.abs(), S_stft.sum(dim=0).abs()


def levels(X):
    return 20 * torch.log10(X.clamp(min=1e-3))


mean, deviation = levels(X).mean(dim=1, keepdim=True), levels(X).std(dim=1, keepdim=True).clamp(min=1)
z = (levels(X) - mean) / deviation
torch.manual_seed(16)
layer = torch.nn.Linear(257, 2 * 257)
optimizer = torch.optim.Adam(layer.parameters(), lr=2e-3, weight_decay=1e-4)
for _ in range(150):
    frames = torch.randint(z.shape[1], (64,))
    outputs = layer(z[:, frames].T).T.unflatten(0, (2, 257))
    loss = (outputs.softmax(dim=0) * X[:, frames] - S[:, :, frames]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

mixture = torch.tensor(duet["mixture"])
X_stft = frontend.stft(mixture, window, hop)
with torch.no_grad():
    masks = layer(((levels(X_stft.abs()) - mean) / deviation).T).T.unflatten(0, (2, 257)).softmax(dim=0)
answer = np.asarray(frontend.istft(masks * X_stft, window, hop, length=len(mixture)))
