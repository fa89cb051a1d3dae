"""/tweet: fresh words in a persona's voice."""

from dataclasses import replace

from bot import limits, text
from bot.commands.lookup import channel_scope, find_persona, named_persona
from bot.commands.opening import opening
from bot.commands.options import As, Count, Mix, PersonaName, Prompt, Seed, Temperature
from bot.commands.table import Request, command
from bot.domain import Persona, Said
from bot.errors import BadHandle, BadOption, NoPersonaChosen
from bot.handles import handle
from bot.reply import Reply
from trainer.protocol import GenerateTask, Sample

CONTEXT = 140
"""Characters of a conversation that a reply goes on from: half a tweet, so that as much is left for what is new."""


@command("tweet", "A fresh tweet in a persona's voice", slow=True)
async def tweet(
    request: Request,
    persona: PersonaName = "",
    prompt: Prompt = "",
    count: Count = 1,
    temperature: Temperature = None,
    seed: Seed = None,
    as_: As = "",
    mix: Mix = "",
) -> Reply:
    services, settings = request.services, request.services.config.generation
    if request.reply_to and not persona:
        persona = request.reply_to.persona
    if not persona:
        persona, prompt = await _named(request, prompt)
    if request.spoken and not request.reply_to:
        prompt = opening(prompt)
    speaker = await _ready(request, persona)
    await limits.count_tweets(services, request.origin)
    context = _context(request.reply_to, prompt)
    task = GenerateTask(
        model=str(speaker.current.directory),
        prompt=context or prompt,
        count=count,
        seed=seed,
        temperature=temperature or settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        min_tokens=settings.min_tokens,
        max_tokens=settings.max_tokens,
        speaker=as_,
        mix=_weights(mix),
    )
    result = await services.generation.sample(task)
    samples = [Sample.read(sample) for sample in result.samples]
    if context:
        samples = [replace(each, text=each.text.removeprefix(context).strip()) for each in samples]
    chosen = f"as:@{as_}" if as_ else f'mix:"{mix}"' if mix else ""
    again = " ".join(f"/tweet {speaker.handle} {chosen} {prompt}".split())
    own = count == 1 and (context or not prompt)  # nobody's words but the persona's can be liked onto its card
    id = await services.store.keep_tweet(speaker.name, samples[0].text) if own else ""
    return text.tweets(speaker, samples, again, id)


def _weights(mix: str) -> dict[str, float]:
    """ "a 70 b 30" -> {"a": 70, "b": 30}. Raises BadOption."""
    words = mix.replace(",", " ").replace("=", " ").split()
    try:
        return {handle(name): float(weight) for name, weight in zip(words[::2], words[1::2], strict=True)}
    except (ValueError, BadHandle):
        raise BadOption("mix", mix, 'weights such as "a 70 b 30"') from None


def _context(reply_to: Said | None, prompt: str) -> str:
    """What a reply goes on from: the end of our tweet, whole words, and what was said to it."""
    if reply_to is None:
        return ""
    words = f"{reply_to.words} {prompt}".split()
    while len(" ".join(words)) > CONTEXT and len(words) > 1:
        words.pop(0)
    return " ".join(words)


async def _named(request: Request, prompt: str) -> tuple[str, str]:
    """The persona a prompt begins with, @ forgotten, and the rest of it; else who speaks here, and all of it."""
    word, _, rest = prompt.partition(" ")
    if name := await named_persona(request.services.store, word):
        return name, rest.strip()
    return await _here(request), prompt


async def _here(request: Request) -> str:
    """Who speaks in this channel: the one chosen with /use, or the only one there is. Raises NoPersonaChosen."""
    store = request.services.store
    if chosen := await store.setting(channel_scope(request.origin), "persona"):
        return chosen
    everyone = await store.personas()
    if len(everyone) != 1:
        raise NoPersonaChosen
    return everyone[0].name


async def _ready(request: Request, name: str) -> Persona:
    """The persona; one that is being trained for the first time is waited for."""
    services = request.services
    if not await services.store.persona(name) and (job := await services.store.active_job_of(name)):
        await request.say(text.waiting_for(job))
        await services.jobs.finished(job.id)
    return await find_persona(services.store, name)
