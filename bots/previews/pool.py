"""Previews in a few warm child processes: the newest request of a user wins.

A thread of its own looks after each child, so a page waits as long as it likes and the work goes on
behind it; asking the same again finds the work, or its answer. Everything here lives in this process
only: a second web process has children of its own, and what is lost with one is computed again.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from time import monotonic
from typing import Any
from uuid import UUID

from bots.backtest.request import Request, tell_request
from bots.jobs.child import Program
from bots.previews.child import Broken, Child

CLOSE_TIMEOUT_S = 2.0


class State(StrEnum):
    RESULT = "result"
    REFUSED = "refused"
    FAILED = "failed"
    COMPUTING = "computing"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Answer:
    """`told` is a result as the child tells it, or the problems of a refusal; `words` why it failed."""

    state: State
    told: Any = None
    words: str = ""
    took_s: float = 0.0
    progress: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A preview may run `run_s`; a child that nobody needs ends after `idle_s`; one that nobody has asked
    for in `unwanted_s` is not begun. `answers` are kept for those who ask again."""

    run_s: float = 10.0
    idle_s: float = 300.0
    unwanted_s: float = 5.0
    waiting: int = 100
    answers: int = 200


@dataclass(slots=True, eq=False)
class Job:
    number: int
    user_id: UUID
    request: Mapping[str, Any]
    wanted_until: float
    progress: float = 0.0
    answer: Answer | None = None
    child: Child | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def finish(self, answer: Answer) -> None:
        """The first answer stands."""
        if self.answer is None:
            self.answer = answer
            self.done.set()


class Pool:
    """At most `children` processes of `program`, started when they are needed."""

    def __init__(self, program: Program, *, children: int = 2, limits: Limits | None = None) -> None:
        self.program, self.children, self.limits = program, children, limits or Limits()
        self._changed = threading.Condition()
        self._numbers = count(1)
        self._newest: OrderedDict[UUID, Job] = OrderedDict()
        self._waiting: deque[Job] = deque()
        self._running: set[Job] = set()
        self._workers: set[threading.Thread] = set()
        self._idle = 0
        self._closed = False

    def preview(self, user_id: UUID, request: Request, wait_s: float, *, again: bool = False) -> Answer:
        """The answer, or how far it is after `wait_s`; asking for something else drops what was asked.

        `again` asks only for what was asked before: it drops nothing newer.
        """
        told = tell_request(request)
        with self._changed:
            newest = self._newest.get(user_id)
            if again and newest is not None and newest.request != told:
                return Answer(State.SUPERSEDED)
            job = self._job(user_id, told, wait_s)
        if job is None:
            return Answer(State.COMPUTING)
        job.done.wait(wait_s)
        answer = job.answer or Answer(State.COMPUTING, progress=job.progress)
        if answer.state is State.FAILED:
            self._forget(job)
        return answer

    def close(self) -> None:
        """Ends every child; nothing is begun any more."""
        with self._changed:
            self._closed = True
            for job in (*self._running, *self._waiting):
                job.finish(Answer(State.FAILED, words="The platform is stopping."))
                self._kill(job)
            self._changed.notify_all()
            workers = list(self._workers)
        for worker in workers:
            worker.join(CLOSE_TIMEOUT_S)

    # What follows down to `_hire` is called with the lock held.

    def _job(self, user_id: UUID, request: Mapping[str, Any], wait_s: float) -> Job | None:
        """The user's job for this request, there already or new; None when too much waits."""
        wanted_until = monotonic() + wait_s + self.limits.unwanted_s
        job = self._newest.get(user_id)
        if job is not None and job.request == request:
            job.wanted_until = wanted_until
        else:
            if job is not None:
                self._supersede(job)
            if self._closed or len(self._waiting) >= self.limits.waiting:
                return None
            job = Job(next(self._numbers), user_id, request, wanted_until)
            self._newest[user_id] = job
            self._waiting.append(job)
        self._newest.move_to_end(user_id)
        self._drop_old_answers()
        self._hire()
        self._changed.notify()
        return job

    def _supersede(self, job: Job) -> None:
        del self._newest[job.user_id]
        if job in self._waiting:
            self._waiting.remove(job)
        job.finish(Answer(State.SUPERSEDED))
        self._kill(job)

    def _kill(self, job: Job) -> None:
        if job.child is not None:
            job.child.kill()

    def _drop_old_answers(self) -> None:
        finished = [user_id for user_id, job in self._newest.items() if job.answer is not None]
        for user_id in finished[: max(len(self._newest) - self.limits.answers, 0)]:
            del self._newest[user_id]

    def _hire(self) -> None:
        if self._idle < len(self._waiting) and len(self._workers) < self.children and not self._closed:
            worker = threading.Thread(target=self._work, name="preview", daemon=True)
            self._workers.add(worker)
            worker.start()

    def _forget(self, job: Job) -> None:
        """So that who asks again has it tried again."""
        with self._changed:
            if self._newest.get(job.user_id) is job:
                del self._newest[job.user_id]

    # What follows runs in the threads that look after a child.

    def _work(self) -> None:
        child: Child | None = None
        try:
            while self._work_comes():
                child = self._usable(child)
                job = self._taken(child)
                if job is not None:
                    self._finish(job, self._asked(job, child))
                    if not self._closed:
                        # At once, so that it is warm when the next one comes.
                        child = self._usable(child)
        finally:
            with self._changed:
                self._workers.discard(threading.current_thread())
            if child is not None:
                child.end()

    def _usable(self, child: Child | None) -> Child:
        if child is not None:
            if child.alive:
                return child
            child.end()
        return Child(self.program)

    def _work_comes(self) -> bool:
        """False when it is time to go. A thread that goes is no longer counted on by `_hire`."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._waiting or self._closed, self.limits.idle_s)
            self._idle -= 1
            if self._waiting and not self._closed:
                return True
            self._workers.discard(threading.current_thread())
            return False

    def _taken(self, child: Child) -> Job | None:
        with self._changed:
            while self._waiting:
                job = self._waiting.popleft()
                if monotonic() < job.wanted_until:
                    job.child = child
                    self._running.add(job)
                    return job
                del self._newest[job.user_id]
        return None

    def _asked(self, job: Job, child: Child) -> Answer:
        began = monotonic()
        limit = threading.Timer(self.limits.run_s, child.kill)
        limit.daemon = True
        limit.start()
        try:
            for said in child.ask(job.number, job.request):
                job.progress = said.get("progress", job.progress)
        except Broken:
            if monotonic() - began < self.limits.run_s:
                return Answer(State.FAILED, words="It ended before it was done.")
            return Answer(State.FAILED, words=f"It took longer than {self.limits.run_s:g} s.")
        finally:
            limit.cancel()
            limit.join()
        return _answer_of(said, monotonic() - began)

    def _finish(self, job: Job, answer: Answer) -> None:
        with self._changed:
            job.child = None
            self._running.discard(job)
            job.finish(answer)


def _answer_of(said: Mapping[str, Any], took_s: float) -> Answer:
    if "result" in said:
        return Answer(State.RESULT, told=said["result"], took_s=took_s)
    if "refused" in said:
        return Answer(State.REFUSED, told=said["refused"], took_s=took_s)
    return Answer(State.FAILED, words=str(said["failed"]), took_s=took_s)
