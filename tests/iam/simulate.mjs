// Simulations on stdin, as an array of JSON; on stdout what IAM decides of each, in their order.
// https://github.com/cloud-copilot/iam-simulate
import { runSimulation } from "@cloud-copilot/iam-simulate";
import { text } from "node:stream/consumers";

const decisions = [];
for (const simulation of JSON.parse(await text(process.stdin))) {
  const response = await runSimulation(simulation, {});
  const { overallResult = "Error", errors = null, result = {} } = response;
  decisions.push({ result: overallResult, errors, ignored: result.ignoredContextKeys ?? [] });
}
console.log(JSON.stringify(decisions));
