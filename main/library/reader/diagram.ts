// SPDX-License-Identifier: MIT
import elk, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { Diagram } from '../../contract/index.ts';

/** Tables and edges of the catalogue, not placed yet. */
export interface Catalogue {
  readonly nodes: readonly Omit<Diagram['nodes'][number], 'x' | 'y' | 'width' | 'height'>[];
  readonly edges: readonly Omit<Diagram['edges'][number], 'points'>[];
}

const height = 36;
const widthOf = (name: string, rows: number): number => 24 + 7.5 * Math.max(name.length, String(rows).length + 5);

function pointsOf(edge: ElkExtendedEdge): { x: number; y: number }[] {
  const points: { x: number; y: number }[] = [];
  for (const { startPoint, bendPoints = [], endPoint } of edge.sections ?? [])
    points.push(startPoint, ...bendPoints, endPoint);
  return points;
}

/** Places tables in layers, parents above their children. */
export async function layOut({ nodes, edges }: Catalogue): Promise<Diagram> {
  // A CommonJS package: Node gives its exports, which name themselves once more.
  const engine = new elk.default();
  const graph: ElkNode = await engine.layout({
    id: 'schema',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.spacing.nodeNode': '24',
      'elk.layered.spacing.nodeNodeBetweenLayers': '48',
      'elk.edgeRouting': 'ORTHOGONAL',
    },
    children: nodes.map(({ table, name, rows }) => ({ id: table, width: widthOf(name, rows), height })),
    edges: edges.map(({ child, parent }, i) => ({ id: String(i), sources: [parent], targets: [child] })),
  });
  const placed = new Map((graph.children ?? []).map((node) => [node.id, node]));
  return {
    width: graph.width ?? 0,
    height: graph.height ?? 0,
    nodes: nodes.map((node) => {
      const at = placed.get(node.table);
      return { ...node, x: at?.x ?? 0, y: at?.y ?? 0, width: at?.width ?? 0, height: at?.height ?? height };
    }),
    edges: edges.map((edge, i) => {
      const routed = graph.edges?.[i];
      return { ...edge, points: routed === undefined ? [] : pointsOf(routed) };
    }),
  };
}
