# %% The kernels are counted again on the way back
def answer(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck):
    units = filters * (1 + frames - time_kernel) * (1 + (bins - frequency_kernel) // stride)
    kernels = filters * players * frequency_kernel + filters * filters * time_kernel
    dense = units * bottleneck + bottleneck + players * (bottleneck * units + units)
    return 2 * kernels + 2 * filters + dense + players


# %% All players share one branch here
def answer(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck):
    units = filters * (1 + frames - time_kernel) * (1 + (bins - frequency_kernel) // stride)
    convolutions = filters * (players * frequency_kernel + 1) + filters * (filters * time_kernel + 1)
    return convolutions + units * bottleneck + bottleneck + bottleneck * units + units + players


# %% There is a position too few
def answer(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck):
    units = filters * (1 + frames - time_kernel) * ((bins - frequency_kernel) // stride)
    convolutions = filters * (players * frequency_kernel + 1) + filters * (filters * time_kernel + 1)
    dense = units * bottleneck + bottleneck + players * (bottleneck * units + units)
    return convolutions + dense + players


# %% The biases are missing
def answer(bins, frames, players, filters, frequency_kernel, stride, time_kernel, bottleneck):
    units = filters * (1 + frames - time_kernel) * (1 + (bins - frequency_kernel) // stride)
    kernels = filters * players * frequency_kernel + filters * filters * time_kernel
    return kernels + units * bottleneck + players * bottleneck * units
