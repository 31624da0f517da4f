import { expect, it } from 'vitest'
import { batchLines } from '../src/batched-lines.ts'

function start() {
  const written: string[] = []
  const later: (() => void)[] = []
  const lines = batchLines(
    (text) => written.push(text),
    (flush) => later.push(flush),
  )
  return { written, lines, endTurn: () => later.splice(0).forEach((flush) => void flush()) }
}

it('writes the lines of one turn together, in their order, and asks once to be called back', () => {
  const { written, lines, endTurn } = start()
  lines.write('a\n')
  lines.write('b\n')
  expect(written).toEqual([])
  endTurn()
  expect(written).toEqual(['a\nb\n'])
  lines.write('c\n')
  endTurn()
  expect(written).toEqual(['a\nb\n', 'c\n'])
})

it('writes what waits when it is told to, and nothing twice', () => {
  const { written, lines, endTurn } = start()
  lines.write('a\n')
  lines.flush()
  endTurn()
  lines.flush()
  expect(written).toEqual(['a\n'])
})
