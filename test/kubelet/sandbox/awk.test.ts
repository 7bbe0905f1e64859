/** awk, as others that implement POSIX print. */
import t from 'tap'
import { script } from '../../helpers/sandbox.ts'

type Case = readonly [script: string, printed: string]

/** Without what it complains of, which every shell says in its own words. */
const printed = (text: string) => text.replace(/!(?:[^\n]*\n)*(?=\(\d+\)$|$)/, '')

const programs: readonly Case[] = [
  ["printf -- '--%s\\n' a", "--a\n"],
  ["printf 'a b c\\nd e f\\n' | awk '{print $2}'", "b\ne\n"],
  ["printf 'a:b:c\\nd:e:f\\n' | awk -F: '{print $1 \"-\" $3; n++} END {print n, NR}'", "a-c\nd-f\n2 2\n"],
  ["printf '3 x\\n1 y\\n2 z\\n' | awk '$1>1 {print $2; t+=$1} END{print t}'", "x\nz\n5\n"],
  ["printf 'foo 1\\nbar 2\\nfoo 3\\n' | awk '{c[$1]+=$2} END{for(k in c) print k, c[k]}' | sort", "bar 2\nfoo 4\n"],
  ["awk 'BEGIN{printf \"%5.2f|%-5s|%05d|%x|%c|%c|%s\\n\", 3.14159, \"ab\", 42, 255, 65, \"hello\", \"z\"}'", " 3.14|ab   |00042|ff|A|h|z\n"],
  ["echo 'hello world' | awk '{gsub(/o/,\"0\"); print; sub(/l+/,\"[&]\"); print; print toupper($0), length($0), substr($0,2,3), index($0,\"w\")}'", "hell0 w0rld\nhe[ll]0 w0rld\nHE[LL]0 W0RLD 13 e[l 9\n"],
  ["echo 'a,b;c' | awk '{n=split($0,p,/[,;]/); print n,p[1],p[2],p[3]}'", "3 a b c\n"],
  ["printf '1\\n2\\n3\\n4\\n5\\n' | awk 'NR==2,NR==4'", "2\n3\n4\n"],
  ["printf '1\\n2\\n3\\n' | awk 'NR%2'", "1\n3\n"],
  ["awk 'function f(n) { return n<=1?1:n*f(n-1) } BEGIN { print f(10) }'", "3628800\n"],
  ["echo 'x=5 y=7' | awk '{for(i=1;i<=NF;i++){split($i,a,\"=\"); v[a[1]]=a[2]} print v[\"x\"]+v[\"y\"]}'", "12\n"],
  ["awk 'BEGIN { while ((\"echo a; echo b\" | getline line) > 0) print \"got \" line; close(\"echo a; echo b\") }'", "got a\ngot b\n"],
  ["awk 'BEGIN { print \"z\\na\" | \"sort\"; close(\"sort\"); print \"done\" }'", "a\nz\ndone\n"],
  ["echo \"a b c d\" | awk '{$3=\"X\"; print; NF=2; print; $5=\"e\"; print}'", "a b X d\na b\na b   e\n"],
  ["awk -v n=3 -v s='hi there' 'BEGIN { print n+1, s }'", "4 hi there\n"],
  ["printf 'k1 v1\\n' > f; printf 'k1 z\\nk2 y\\n' | awk 'NR==FNR{a[$1]=$2;next} $1 in a{print $1,a[$1],$2}' f -", "k1 v1 z\n"],
  ["awk 'BEGIN { exit 3 } END { print \"end\" }'", "end\n(3)"],
  ["echo 5 | awk '{ if ($1 > 3) print \"big\"; else print \"small\" }'", "big\n"],
  ["awk 'BEGIN { i=0; do { print i; i++ } while (i<3); while (1) { if (i>5) break; i++; if (i==5) continue; print \"w\" i } }'", "0\n1\n2\nw4\nw6\n"],
  ["printf 'a b\\n\\nc d\\ne f\\n' | awk 'BEGIN{RS=\"\"}{print NR\": \"$1\"|\"$2\"|\"$NF}'", "1: a|b|b\n2: c|d|f\n"],
  ["awk 'BEGIN{x[\"a\"];print (\"a\" in x), (\"b\" in x); delete x[\"a\"]; print (\"a\" in x)}'", "1 0\n0\n"],
  ["printf '10 9\\n' | awk '{print ($1>$2), ($1<$2), \"10\"<\"9\", $1==10.0}'", "1 0 1 1\n"],
  ["awk 'BEGIN { print 1 \" \" 2, 3 -1, -3 \" x\", 1==1, !0, !\"\", !\"a\" }'", "1 2 2 -3 x 1 1 1 0\n"],
  ["awk 'BEGIN { \"date +%Y\" | getline y; print (y > 2000) ? \"ok\" : \"bad\" }'", "ok\n"],
  ["df -P / | awk 'NR==2 {print NF}'", "6\n"],
  ["echo \"a  b\" | awk '{ print NF; $1=$1; print }'", "2\na b\n"],
  ["awk 'BEGIN { OFS=\"-\"; print \"a\",\"b\"; $0=\"x y z\"; $1=$1; print; print $NF }'", "a-b\nx-y-z\nz\n"],
  ["printf 'one\\ntwo\\n' | awk '/one/ {print \"1:\" $0} /two/ {print \"2:\" $0} !/one/ {print \"not\"}'", "1:one\n2:two\nnot\n"],
  ["awk 'BEGIN { printf(\"%s %d%%\\n\", \"a\", 50); printf \"%s\\n\", \"b\" > \"/dev/stdout\" }'", "a 50%\nb\n"],
  ["awk 'BEGIN { print \"to file\" > \"out.txt\"; print \"again\" > \"out.txt\"; close(\"out.txt\"); while ((getline l < \"out.txt\") > 0) print \"r:\" l }'", "r:to file\nr:again\n"],
  ["awk 'BEGIN { if (!(3 in a)) print \"no\"; a[1,2]=3; for (k in a) { split(k, p, SUBSEP); print p[1], p[2] } }'", "no\n1 2\n"],
  ["echo \"cpu 1 2 3\" | awk '/^cpu /{usage=($2+$4)*100/($2+$4+$3)} END {printf \"%.2f%%\\n\", usage}'", "66.67%\n"],
  ["printf 'NAME READY\\npod1 1/1\\npod2 0/1\\n' | awk 'NR>1{split($2,r,\"/\"); if(r[1]!=r[2]) print $1}'", "pod2\n"],
  ["awk 'BEGIN { s = \"a.b.c\"; n = gsub(/\\./, \"-\", s); print n, s; t=\"aaa\"; print gsub(/a/,\"b&b\",t), t }'", "2 a-b-c\n3 babbabbab\n"],
  ["awk 'BEGIN{print substr(\"x\",1) substr(\"y\",1); print -1 \" \" -1; print 2*3 4}'", "xy\n-1-1\n64\n"],
  ["printf 'a\\nb\\nc\\n' | awk '{ lines[NR]=$0 } END { for (i=NR;i>0;i--) print lines[i] }'", "c\nb\na\n"],
  ["printf 'x 1\\ny 2\\n' | awk '{ print > ($1 \".txt\") }'; cat x.txt y.txt", "x 1\ny 2\n"],
  ["awk 'BEGIN { getline; print \"got \" $0; getline x; print x }' <<EOF\nl1\nl2\nEOF", "got l1\nl2\n"],
  ["awk 'BEGIN { print index(\"abc\",\"c\"); print length() }' </dev/null", "3\n0\n"],
  ["echo test | awk '{ print $1; print $(NF) ; print $NF-1 }'", "test\ntest\n-1\n"],
  ["awk '\n# comment\nBEGIN {\n  x = 1   # set\n  if (x == 1 &&\n      x < 2)\n    print \"multi\"\n  else\n    print \"no\"\n}\n'", "multi\n"],
  ["echo \"2024-01-15\" | awk -F- '{ printf \"%d/%d/%d\\n\", $2, $3, $1 }'", "1/15/2024\n"],
  ["printf 'a b\\nc d\\n' | awk 'END{print NR, $0}'", "2 c d\n"],
  ["awk 'BEGIN{for(;;){if(++i>3)break};print i;exit}'", "4\n"],
  ["echo a b c | awk '{print $1,$2;print $3}' OFS=:", "a:b\nc\n"],
]

t.test('awk', async (t) => {
  for (const [text, expected] of programs) t.equal(printed(await script(text)), expected, text)
})
