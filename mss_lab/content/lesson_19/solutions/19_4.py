def answer(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck):
    units = filters * (1 + frames - time_kernel) * (1 + (bins - frequency_kernel) // stride)
    convolutions = filters * (players * frequency_kernel + 1) + filters * (filters * time_kernel + 1)
    code = units * bottleneck + bottleneck
    branches = players * (bottleneck * units + units)
    return convolutions + code + branches + players
