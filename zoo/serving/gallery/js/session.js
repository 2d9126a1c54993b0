// A file in onnxruntime-web: `await Session.open(content)`, then `await session.run(feeds)`, one run at a time.

export class Session {
  constructor() {
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.waiting = new Map();
    this.next = 0;
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      error === undefined ? resolve(result) : reject(new Error(error));
    };
    this.worker.onerror = (event) => {
      for (const { reject } of this.waiting.values()) reject(new Error(event.message || "onnxruntime-web does not start"));
      this.waiting.clear();
    };
  }

  static async open(content) {
    const session = new Session();
    session.names = await session.ask("open", content, [content]);
    return session;
  }

  ask(task, content, moved = []) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, content }, moved);
    });
  }

  /** Tensors `{ type, dims, data }` by the name of the output. */
  run(feeds) {
    return this.ask("run", feeds);
  }
}
