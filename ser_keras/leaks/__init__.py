"""Is a split leaked? What train and test share that a stranger's voice would not, told from the audio itself."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=("alignment", "likeness", "listing", "matching", "page", "worth"),
    submod_attrs={"audit": ("Leaks", "audit")},
)
