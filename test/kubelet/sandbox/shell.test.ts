/** Scripts and what they print, as busybox's shell and tools do; and what a script cannot do to the server. */
import t from 'tap'
import { nextTurn } from '../../../src/clock.ts'
import { box, script } from '../../helpers/sandbox.ts'

const scripts: readonly (readonly [string, string])[] = [
  ['echo $GREETING "$GREETING" \'$GREETING\'', 'hello world hello world $GREETING\n'],
  ['a="x  y"; echo $a "$a"; for i in $a; do echo "<$i>"; done', 'x y x  y\n<x>\n<y>\n'],
  ['set -- "a b" c; for i in "$@"; do echo "[$i]"; done; echo $# $1; shift; echo $*', '[a b]\n[c]\n2 a b\nc\n'],
  ['echo ${none:-def} ${GREETING#hello } ${GREETING%o*} ${#GREETING} ${GREETING##*l} ${set+no}', 'def world hello w 11 d\n'],
  ['f=a/b/c.tar.gz; echo ${f##*/} ${f%%.*} ${f%/*} ${f//\\//_}', 'c.tar.gz a/b/c a/b a_b_c.tar.gz\n'],
  ['echo $((1 + 2 * 3)) $(( (7 / 2) << 2 )) $((0x10 + 010)); i=5; echo $((i++ + i)) $i', '7 12 24\n11 6\n'],
  ['echo $(echo nested $(echo deep)) `echo old`', 'nested deep old\n'],
  ['if [ 1 -lt 2 ] && [ ! -f /none ]; then echo yes; else echo no; fi', 'yes\n'],
  ['case hello.txt in *.md) echo md;; *.txt|*.log) echo text;; *) echo other;; esac', 'text\n'],
  ['i=0; while true; do i=$((i+1)); [ $i -eq 2 ] && continue; [ $i -gt 3 ] && break; echo $i; done', '1\n3\n'],
  ['f() { local x=in; echo $1 $x; return 3; }; x=out; f arg; echo $? $x', 'arg in\n3 out\n'],
  ['printf "%s=%d|%5.2f|%-4s|%x\\n" a 7 3.14159 ab 255', 'a=7| 3.14|ab  |ff\n'],
  ['printf "c\\na\\nb\\n" | sort | head -n 2 | tr a-z A-Z', 'A\nB\n'],
  ['echo one > f; echo two >> f; cat < f; wc -l < f | tr -d " "; cat none || echo $?', 'one\ntwo\n2\n1\n!cat: can\'t open \'none\': No such file or directory\n'],
  ['cat <<EOF\n$GREETING $((1+1))\nEOF\ncat <<\'EOF\'\n$GREETING\nEOF', 'hello world 2\n$GREETING\n'],
  ['(exit 7); echo $?; false || echo or; true && echo and; ! true; echo $?', '7\nor\nand\n1\n'],
  ['set -e; false; echo never', '(1)'],
  ['set -e; if false; then :; fi; false || true; echo on; (exit 4)', 'on\n(4)'],
  ['trap "echo bye" EXIT; echo hi', 'hi\nbye\n'],
  ['nosuch; echo $?', '127\n!sh: nosuch: not found\n'],
  ['mkdir -p d/e; touch d/a d/b; ls d; echo d/*; rm -r d; ls d', 'a\nb\ne\nd/a d/b d/e\n!ls: d: No such file or directory\n(1)'],
  ['echo a,b,c | cut -d, -f2; echo "x y z" | { read a b; echo "$b"; }; seq 3 | while read n; do echo -n $n; done; echo', 'b\ny z\n123\n'],
  ['echo foo123 | sed -e "s/[0-9]\\{2\\}/<&>/" -e "s/^f/F/"; seq 5 | sed -n "2,3p;\\$p"; echo a.b | sed -E "s/(.)\\.(.)/\\2-\\1/"', 'Foo<12>3\n2\n3\n5\nb-a\n'],
  ['printf "ab\\nbc\\ncd\\n" | grep -n b; printf "x\\ny\\n" | grep -vc x; echo hi | grep -q no || echo none', '1:ab\n2:bc\n1\nnone\n'],
  ['echo hi >&2; echo out 2>&1 >/dev/null', '!hi\n'],
  ['x=1; (x=2; echo $x); echo $x; { x=3; }; echo $x', '2\n1\n3\n'],
  ['(exit 4) & wait $!; echo $?', '4\n'],
  ['echo -e "a\\tb\\x41\\0101"; echo -n no', 'a\tbAA\nno'],
  ['env -i A=1 env; A=2 printenv A', 'A=1\n2\n'],
  ['id -u; whoami; pwd; cd /etc; pwd; cd -', '0\nroot\n/tmp\n/etc\n/tmp\n'],
  ['ln -s target link; readlink link; chmod 640 /etc/group; stat -c "%a %n" /etc/group; umask 077; touch p; stat -c %a p', 'target\n640 /etc/group\n600\n'],
  ['find /etc -name "p*" -type f; expr 3 + 4; expr abc : "a\\(.\\)"', '/etc/passwd\n7\nb\n'],
  ['echo "a b" | xargs -n1 echo item; echo hello | base64; echo aGVsbG8K | base64 -d', 'item a\nitem b\naGVsbG8K\nhello\n'],
  ['mkdir d; echo in > d/f; chmod 600 d/f; tar czf d.tgz d; rm -r d; tar xzf d.tgz; cat d/f; stat -c %a d/f; tar tf d.tgz; tar cf - d | tar xf - -C /; cat /d/f', 'in\n600\nd/\nd/f\nin\n'],
  ['echo packed | gzip | gunzip; tar xf /etc/passwd || echo bad', 'packed\nbad\n!tar: invalid tar magic\n'],
  ['a=(x y z); echo ${a[1]} ${#a[@]} "${a[@]}"; [[ abc == a* && 5 -gt 3 ]] && echo match', 'y 3 x y z\nmatch\n'],
]

t.test('scripts', async (t) => {
  for (const [text, expected] of scripts) t.equal(await script(text), expected, text)
})

t.test('standard input is a script, or data', async (t) => {
  t.equal(await script('cat; echo end', { stdin: 'some\ndata\n' }), 'some\ndata\nend\n')
  const { run, output } = box()
  const started = run(['sh'], 'echo one\nif true; then\necho two\nfi\n')
  t.equal('process' in started && (await started.process.exited), 0)
  t.equal(output().out, 'one\ntwo\n')
})

t.test('output comes as it is written, and sleep is on the clock', async (t) => {
  const { run, output, clock, ended } = box()
  run(['sh', '-c', 'echo before; sleep 3600; echo after'])
  await clock.step(1)
  t.equal(output().out, 'before\n')
  await clock.step(3_600_000)
  t.equal(output().out, 'before\nafter\n')
  t.same(ended, [{ code: 0, oomKilled: false }])
})

t.test('the first process is shielded from signals it does not handle; a trap runs', async (t) => {
  const plain = box()
  const first = plain.run(['sleep', '100'])
  await plain.clock.step(1)
  if ('process' in first) first.process.signal(15)
  await plain.clock.step(1)
  t.same(plain.ended, [], 'still there')
  plain.sandbox.kill(137)
  await plain.clock.step(1)
  t.same(plain.ended, [{ code: 137, oomKilled: false }])

  const trapping = box()
  const second = trapping.run(['sh', '-c', 'trap "echo caught; exit 5" TERM; while true; do sleep 1; done'])
  await trapping.clock.step(100)
  if ('process' in second) second.process.signal(15)
  await trapping.clock.step(1000)
  t.equal(trapping.output().out, 'caught\n')
  t.same(trapping.ended, [{ code: 5, oomKilled: false }])
})

t.test('a loop without end leaves others their turns and can be killed', async (t) => {
  const { run, sandbox, ended } = box()
  run(['sh', '-c', 'while :; do :; done'])
  for (let turns = 0; turns < 30; turns++) await nextTurn()
  t.same(ended, [], 'the event loop went on')
  sandbox.kill(137)
  while (ended.length === 0) await nextTurn()
  t.same(ended, [{ code: 137, oomKilled: false }])
})

t.test('who holds too much memory is killed for it; who forks too often is refused', async (t) => {
  const greedy = box()
  greedy.run(['sh', '-c', 'x=0123456789abcdef; while :; do x=$x$x; done'])
  while (greedy.ended.length === 0) await nextTurn()
  t.same(greedy.ended, [{ code: 137, oomKilled: true }])
  t.match(await script('f() { f | f & }; f; echo still here'), /still here/)
})

t.test('files belong to somebody', async (t) => {
  const { run, output } = box({ uid: 1000 })
  const started = run(['sh', '-c', 'echo x > /etc/passwd; echo mine > own && cat own; cat /root/secret'])
  if ('process' in started) await started.process.exited
  t.equal(output().out, 'mine\n')
  t.match(output().err, /can't create \/etc\/passwd: Permission denied/)
})

t.test('nothing but what is in the image can be run', (t) => {
  t.match(box().run(['/usr/bin/node']), { status: 127 })
  t.match(box().run(['/etc/passwd']), { status: 126 })
  t.end()
})
