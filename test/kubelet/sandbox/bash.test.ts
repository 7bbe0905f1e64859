/** What bash has over a POSIX shell. */
import t from 'tap'
import { script } from '../../helpers/sandbox.ts'

type Case = readonly [script: string, printed: string]

/** Without what it complains of, which every shell says in its own words. */
const printed = (text: string) => text.replace(/!(?:[^\n]*\n)*(?=\(\d+\)$|$)/, '')

const scripts: readonly Case[] = [
  ["set -euo pipefail; a=(1 2 3); echo ${a[1]} ${#a[@]} \"${a[@]}\"; a+=(4); for x in \"${a[@]}\"; do echo $x; done", "2 3 1 2 3\n1\n2\n3\n4\n"],
  ["declare -A m; m[k]=v; m[\"x y\"]=z; echo ${m[k]} \"${m[x y]}\" ${#m[@]}; for k in \"${!m[@]}\"; do echo $k; done | sort", "v z 2\nk\nx y\n"],
  ["[[ abc == a* && 5 -gt 3 ]] && echo t; [[ foo123 =~ ^foo([0-9]+)$ ]] && echo ${BASH_REMATCH[1]}; [[ ! -f nofile || -z \"\" ]] && echo u", "t\n123\nu\n"],
  ["x=hello; echo ${x^^} ${x^} ${x:1:3} ${x/l/L} ${x//l/L} ${x/#he/HE} ${x: -2}; y=ABC; echo ${y,,}", "HELLO Hello ell heLlo heLLo HEllo lo\nabc\n"],
  ["diff <(echo a) <(echo a) && echo same; cat <(echo 1) <(echo 2)", "same\n1\n2\n"],
  ["for ((i=0;i<3;i++)); do echo $i; done; ((x=5*2)); echo $x; let y=x+1; echo $y", "0\n1\n2\n10\n11\n"],
  ["echo {1..3} {a,b}c {01..03}; echo pre{x,y}post", "1 2 3 ac bc 01 02 03\nprexpost preypost\n"],
  ["read -r -a arr <<< \"a b c\"; echo ${arr[2]}; mapfile -t lines < <(printf 'l1\\nl2\\n'); echo ${#lines[@]} ${lines[1]}", "c\n2 l2\n"],
  ["set -o errexit; trap 'echo err $?' ERR; false; echo never", "err 1\n(1)"],
  ["case $1 in \"\") echo none;; esac; select_test=1; [[ -n ${select_test:-} ]] && echo set; [[ -v select_test ]] && echo v", "none\nset\nv\n"],
  ["printf '%q\\n' \"a b\"; printf -v out '%03d' 7; echo $out; echo \"${out@Q}\" 2>/dev/null", "a\\ b\n007\n'007'\n"],
  ["a=(x y z); echo \"${a[*]}\" \"${a[-1]}\" \"${!a[@]}\" \"${a[@]:0:2}\"; IFS=-; echo \"${a[*]}\"", "x y z z 0 1 2 x y\nx-y-z\n"],
  ["function g { echo \"fn $1\"; }; g 1; declare -f g >/dev/null && echo defd; type -t g; type -t cd; type -t ls", "fn 1\ndefd\nfunction\nbuiltin\nfile\n"],
  ["x=1; (( x++ )); echo $x; (( x > 1 )) && echo gt; echo $(( x == 2 ? 10 : 20 )); echo $((16#ff)) $((2#101))", "2\ngt\n10\n255 5\n"],
  ["s=\"a b c\"; t=($s); echo ${#t[@]}; u=(\"${t[@]/b/B}\"); echo ${u[1]}; echo ${t[@]#a}", "3\nB\nb c\n"],
  ["while read -r k v; do echo \"$v=$k\"; done <<< $'x 1\\ny 2'; echo a |& cat; ls nofile &>/dev/null || echo fail", "1=x\n2=y\na\nfail\n"],
  ["exec 4<<<\"fd4\"; read -u 4 z; echo $z; [[ a < b ]] && echo lt; [[ \"a.b\" == \"a.b\" ]] && echo eq; [[ \"aXb\" == a?b ]] && echo q", "fd4\nlt\neq\nq\n"],
  ["shopt -s nullglob; for f in *.none; do echo $f; done; echo end; shopt -s extglob; [[ foo == @(foo|bar) ]] && echo ext", "end\next\n"],
  ["f() { echo \"${FUNCNAME[0]}\"; return 2; }; f || echo \"rc $?\"; echo \"${#BASH_ARGV[@]}\" ; declare -i n=5; n+=3; echo $n", "f\nrc 2\n0\n8\n"],
  ["x=abc; ref=x; echo ${!ref}; declare -n nr=x; echo $nr; echo ${x:0:-1}", "abc\nabc\nab\n"],
  ["wait_test() { sleep 0.05 & sleep 0.06 & wait; echo waited; }; wait_test; jobs; sleep 0.1 & kill %1 2>/dev/null; wait 2>/dev/null; echo fin", "waited\nfin\n"],
  ["set -x 2>/dev/null; echo traced 2>/dev/null; set +x", "traced\n"],
  ["a=\"one;two;three\"; IFS=';' read -ra parts <<< \"$a\"; for p in \"${parts[@]}\"; do echo \"[$p]\"; done; printf '%s,' \"${parts[@]}\"; echo", "[one]\n[two]\n[three]\none,two,three,\n"],
  ["echo \"a,b,c\" | while IFS=, read -r x y z; do echo $y; done; x=$(< /dev/null); echo \"[$x]\"; pushd /tmp >/dev/null; pwd; popd >/dev/null", "b\n[]\n/tmp\n"],
  ["coproc_test=1; time_out=$( { time sleep 0.01; } 2>&1 | grep -c real); echo $time_out; echo ${PIPESTATUS[0]}; false | true; echo \"${PIPESTATUS[@]}\"", "1\n0\n1 0\n"],
]

t.test('bash', async (t) => {
  for (const [text, expected] of scripts) t.equal(printed(await script(text, { shell: 'bash', image: 'debian' })), expected, text)
})
