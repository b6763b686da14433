"""`python -m ser_keras VERB`."""

from ser_keras.commands.verbs import main

if __name__ == "__main__":
    main()
