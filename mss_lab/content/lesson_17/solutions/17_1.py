answer = 2 * 2**4
