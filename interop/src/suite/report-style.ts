/** The style of the page: readable in light and in dark, on paper and on a phone. */
export const REPORT_STYLE = `
:root { --ink: #1c1e21; --paper: #fff; --soft: #f3f4f6; --line: #d5d8dd; --good: #176b34; --bad: #b3261e; --grey: #6a6f76 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e6ea; --paper: #15171a; --soft: #20242a; --line: #3a4048; --good: #6fcf8e; --bad: #ff8a80; --grey: #9aa1aa }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem; margin-top: 1.5rem }
.wide { overflow-x: auto }
table { border-collapse: collapse } th, td { text-align: left; font-weight: normal; padding: .2rem .8rem; border-bottom: 1px solid var(--line) }
thead th { font-weight: 600 }
details { border-bottom: 1px solid var(--line); padding: .3rem 0 } summary { cursor: pointer }
code, pre { font: .85em/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .6rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .5rem 0 } dt { color: var(--grey) } dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
.passed { color: var(--good) } .failed { color: var(--bad) } .not-run { color: var(--grey) }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr } }
@media print { body { max-width: none } }
`
