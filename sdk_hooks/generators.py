"""
Run generators of the host's inside something that is recorded, step by step.

Flow: observing -> **generators** -> the host's generator.
A generator runs in the context of whoever asks it for an item, and rests in between: what surrounds its calls is put in place for
each step and taken away before the item is handed on. What it is sent, what is thrown into it, its close and its result are
those of the host's generator.
"""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from functools import partial, wraps
from typing import Any, Protocol


class Run(Protocol):
    """What is recorded of one generator. `end` may be called again, and does nothing then."""

    def inside(self) -> AbstractContextManager[Any]:
        """For one step: calls made meanwhile belong to the run."""
        ...

    def item(self, item: Any) -> None: ...
    def end(self, error: BaseException | None, result: Any = None) -> None: ...


Generators = Callable[..., Generator[Any, Any, Any]]
AsyncGenerators = Callable[..., AsyncGenerator[Any, Any]]

Begin = Callable[[tuple[Any, ...], dict[str, Any]], Run]
"""Arguments -> a run that has begun: when the first item is asked for, because nothing of a generator runs before."""


def around_generator(function: Generators, begin: Begin) -> Generators:
    @wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        run = begin(args, kwargs)
        resume: Callable[[], Any] = partial(next, generator)
        try:
            while True:
                with run.inside():
                    item = resume()
                run.item(item)
                try:
                    resume = partial(generator.send, (yield item))
                except GeneratorExit:
                    with run.inside():
                        generator.close()
                    raise
                except BaseException as error:
                    resume = partial(generator.throw, error)
        except StopIteration as stop:
            run.end(None, stop.value)
            return stop.value
        except BaseException as error:
            run.end(error)
            raise

    return observed


def around_async_generator(function: AsyncGenerators, begin: Begin) -> AsyncGenerators:
    @wraps(function)
    async def observed(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        # An event loop that ends closes what is left; of one that was closed before, nobody does.
        held = _Held(begin(args, kwargs))
        run = held.run
        resume: Callable[[], Awaitable[Any]] = generator.__anext__
        try:
            while True:
                with run.inside():
                    item = await resume()
                run.item(item)
                try:
                    resume = partial(generator.asend, (yield item))
                except GeneratorExit:
                    with run.inside():
                        await generator.aclose()
                    raise
                except BaseException as error:
                    resume = partial(generator.athrow, error)
        except StopAsyncIteration:
            run.end(None)
        except BaseException as error:
            run.end(error)
            raise

    return observed


class _Held:
    """Dropped with the generator that holds it: then the host has left."""

    __slots__ = ("run",)

    def __init__(self, run: Run) -> None:
        self.run = run

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing, left: type[BaseException] = GeneratorExit) -> None:
        # At the interpreter's end our modules' names are gone.
        if not is_ending():
            self.run.end(left())
