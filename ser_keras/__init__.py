"""Speech-emotion-recognition papers rebuilt in Keras 3.

Nothing heavy is imported here: `import ser_keras` loads neither a deep-learning backend nor librosa.
"""

from ser_keras.support import interruption

interruption.install()  # of a command; before anything that takes time

__version__ = "0.1.0"
