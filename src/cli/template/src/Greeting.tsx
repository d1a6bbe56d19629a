export function Greeting({ name }: { name: string }) {
  return <h1>Hello from {name}</h1>;
}
