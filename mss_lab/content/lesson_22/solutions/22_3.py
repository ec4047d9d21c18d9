def answer(masks):
    result = masks.copy()
    for level in range(len(masks) - 2, -1, -1):
        result[level] = result[level].clip(max=result[level + 1])
    return result
