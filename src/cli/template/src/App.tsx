import { Counter } from "@/Counter";
import { Greeting } from "./Greeting";
import flame from "./assets/flame.svg";
import "./App.css";

export function App() {
  return (
    <main className="page">
      <img className="flame" src={flame} alt="" width="72" height="72" />
      <Greeting name="Hotplate" />
      <Counter label="Count" />
      <p className="hint">
        Edit <code>src/App.tsx</code>: the page changes, the count stays.
      </p>
    </main>
  );
}
