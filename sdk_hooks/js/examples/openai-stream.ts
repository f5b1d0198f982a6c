// A stream of openai, recorded. `npx tsx openai-stream.ts "Why is the sky blue?"`, with OPENAI_API_KEY and HOOKLINE_URL as usual.
import { flush, instrument, losses, session } from "hookline";
import OpenAI from "openai";

const client = instrument(new OpenAI(), { clientId: "examples", tags: { tier: "gold" } });

async function answer(question: string): Promise<string> {
  const stream = await client.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: question }],
    stream: true,
    // Without it a stream tells no tokens.
    stream_options: { include_usage: true },
  });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

console.log(await session({ threadId: "sky" }, () => answer(process.argv[2] ?? "Why is the sky blue?")));
// A process that ends by itself sends what it has; this is for those that want to know.
if (!(await flush())) console.error("not delivered", losses());
