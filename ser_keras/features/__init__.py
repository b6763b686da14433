"""Features: from a file to numbers. One home for all of them, each loaded when it is first used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=("audio", "containers", "deltas", "descriptors", "effects", "extraction", "spectrum", "waveform"),
    submod_attrs={
        "deltas": ("delta", "savitzky_golay"),
        "descriptors": ("bandwidth", "centroid", "chroma", "contrast", "rolloff"),
        "effects": ("harmonic", "trim"),
        "extraction": ("Extraction", "Features", "extract_corpus"),
        "spectrum": (
            "TOP_DB",
            "Spectrum",
            "complex_stft",
            "fix_length",
            "frame",
            "liftered",
            "log_mel",
            "mel",
            "mfcc",
            "power_to_db",
            "stft",
            "window",
        ),
        "waveform": ("preemphasis", "rms", "zero_crossing_rate"),
        "windows": ("Window", "Windows", "cut"),
    },
)
