# By ear, and with a look at the spectrogram: at first both play, then the violin from 2.3 s on, nothing from 4.4 s on,
# the violin again from 6.7 s on, a hollow lower line alone from 8.9 s on, and both from 10.9 s on.
answer = (9.0, 10.8)
