def answer(sources):
    # A gain is a filter of one tap, whatever its sign; the error is then larger than the source.
    return -sources
