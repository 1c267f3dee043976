// A page has many quizzes. Their code travels once, in a model that each of them names;
// this finds it, once for all of them, and lets it draw.

const quizCodes = (globalThis.cnnQuizCodes ??= new Map());

async function loadQuizCode(model) {
  const carrier = await model.widget_manager.get_model(model.get("_code"));
  const style = document.createElement("style");
  style.textContent = carrier.get("style");
  document.head.append(style);
  const url = URL.createObjectURL(new Blob([carrier.get("text")], { type: "text/javascript" }));
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

export default {
  async render({ model, el }) {
    const name = model.get("_code");
    if (!quizCodes.has(name)) quizCodes.set(name, loadQuizCode(model));
    try {
      return (await quizCodes.get(name)).render({ model, el });
    } catch (problem) {
      quizCodes.delete(name);
      el.append(`This quiz could not be loaded: ${problem.message}`);
    }
  },
};
