def report(*a, **k): print("report", a[1:], k)
