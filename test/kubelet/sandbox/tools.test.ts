/** Scripts with the tools of images, and what real shells and tools print. */
import t from 'tap'
import { script } from '../../helpers/sandbox.ts'

type Case = readonly [script: string, printed: string]

/** Without what it complains of, which every shell says in its own words. */
const printed = (text: string) => text.replace(/!(?:[^\n]*\n)*(?=\(\d+\)$|$)/, '')

const scripts: readonly Case[] = [
  ["mkdir s d; echo hi > s/ro; chmod 444 s/ro; seq 30000 > s/long; ln -s ro s/l; tar cf - s | tar xf - -C d; stat -c %a d/s/ro; cat d/s/l; cmp s/long d/s/long && echo same; printf x | tar xf - 2>&1; tar cf a.tar s; head -c 2000 a.tar | tar tf - 2>&1 | tail -1", "444\nhi\nsame\ntar: invalid tar magic\ntar: invalid tar magic\n"],
  ["df -h / | tail -1; df -P /tmp | head -1; df /none 2>&1 | grep -v Filesystem", "overlay                  64.0G      8.0G     56.0G 13% /\nFilesystem           1024-blocks       Used Available Capacity Mounted on\ndf: /none: can't find mount point\n"],
  ["dd if=/dev/zero of=z bs=1k count=3 seek=2 2>&1 | head -2; wc -c < z; printf abc | dd of=z bs=1 seek=1 conv=notrunc status=none; wc -c < z; head -c 4 z | od -An -tx1", "3+0 records in\n3+0 records out\n5120\n5120\n 00 61 62 63\n"],
  ["printf abcdef > f; dd if=f bs=2 skip=1 count=1 2>/dev/null; echo; dd if=f of=f bs=1 seek=3 count=0 status=none; cat f; echo; printf abcde | dd bs=2 conv=sync status=none | wc -c; printf abcd | dd ibs=1x2 2>&1 >/dev/null | head -1", "cd\nabc\n6\n2+0 records in\n"],
  ["dd bs=0 2>&1; echo $?; dd bs=1q 2>&1; dd cout=1 2>&1; dd if=none 2>&1; dd conv=ebcdic 2>&1", "dd: number 0 is not in 1..9223372036854775807 range\n1\ndd: invalid number '1q'\ndd: unrecognized operand 'cout=1'\ndd: can't open 'none': No such file or directory\ndd: invalid argument 'ebcdic' to 'conv'\n(1)"],
  ["sysctl kernel/shm_rmid_forced; sysctl -n net.ipv4.tcp_syncookies; sysctl net/ipv4/conf/eth0.1/x 2>&1; ls /proc/self/fd | head -3 | tr '\\n' ' '", "kernel.shm_rmid_forced = 0\n1\nsysctl: error: 'net.ipv4.conf.eth0/1.x' is an unknown key\n0 1 2 "],
  ["set -eu; x=1; f() { local y=2; echo $((x+y)); }; f", "3\n"],
  ["set -e; false || echo ok; if ! false; then echo not; fi; false; echo never", "ok\nnot\n(1)"],
  ["set -u; echo ${a:-none}; echo $b; echo never", "none\n(2)"],
  ["trap 'echo bye' EXIT; echo hi; exit 3", "hi\nbye\n(3)"],
  ["cat <<EOF\na $((1+2)) $(echo sub) \\$x\nEOF\ncat <<'EOF'\n$x `y`\nEOF\ncat <<-EOF\n\ttabbed\n\tEOF", "a 3 sub $x\n$x `y`\ntabbed\n"],
  ["IFS=,; set -- a,b c; x=\"1,2,3\"; for i in $x; do echo $i; done; echo \"$*\"", "1\n2\n3\na,b,c\n"],
  ["echo \"a:b:c\" | { IFS=: read x y z; echo $z $y $x; }", "c b a\n"],
  ["printf 'l1\\nl2\\n' | while read -r line; do echo \"<$line>\"; done", "<l1>\n<l2>\n"],
  ["case foo.txt in *.md) echo md;; *.txt|*.log) echo txt;; *) echo other;; esac", "txt\n"],
  ["x=abcdef; echo ${x#ab} ${x%ef} ${x##*c} ${x%%c*} ${#x} ${x:+yes} ${y:=def} $y", "cdef abcd def ab 6 yes def def\n"],
  ["f() { return 5; }; f; echo $?; f && echo a || echo b", "5\nb\n"],
  ["(cd /; pwd); x=$(cd /tmp && pwd); echo $x", "/\n/tmp\n"],
  ["sleep 0.1 & p=$!; wait $p; echo done $?", "done 0\n"],
  ["(exit 4) & wait $!; echo $?", "4\n"],
  ["echo a; { echo b; echo c >&2; } 2>&1 | cat", "a\nb\nc\n"],
  ["exec 3>f; echo x >&3; exec 3>&-; cat f", "x\n"],
  ["test -d / -a -n \"x\" && [ 1 -lt 2 ] && [ \"a\" != \"b\" ] && echo t", "t\n"],
  ["for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done", "1\n3\n"],
  ["i=0; until [ $i -ge 3 ]; do i=$((i+1)); done; echo $i", "3\n"],
  ["eval 'x=\"a b\"'; echo \"$x\"; set -- $x; echo $#", "a b\n2\n"],
  ["echo one two three | cut -d' ' -f2,3; echo abcdef | cut -c2-4", "two three\nbcd\n"],
  ["printf 'b\\na\\nc\\na\\n' | sort -u; printf '10\\n9\\n2\\n' | sort -n -r; printf 'x 2\\ny 1\\n' | sort -k2", "a\nb\nc\n10\n9\n2\ny 1\nx 2\n"],
  ["echo hello | tr a-y b-z; echo \"a  b\" | tr -s ' '; echo abc | tr -d b; echo HELLO | tr '[:upper:]' '[:lower:]'", "ifmmp\na b\nac\nhello\n"],
  ["echo 'foo bar' | sed 's/\\(foo\\) \\(bar\\)/\\2 \\1/; s/o/0/g'; printf '1\\n2\\n3\\n' | sed -n '2p;$p'; printf 'a\\nb\\n' | sed '/a/d'", "bar f00\n2\n3\nb\n"],
  ["printf 'k=1\\nj=2\\n' > e; . ./e; echo $k $j", "1 2\n"],
  ["seq 3; seq 2 4; seq 1 2 7; seq -s, 3", "1\n2\n3\n2\n3\n4\n1\n3\n5\n7\n1,2,3\n"],
  ["find . -type f -name '*.x' | sort; mkdir -p d/e; touch d/a.x d/e/b.x; find d -name '*.x' | sort; find d -type d | sort", "d/a.x\nd/e/b.x\nd\nd/e\n"],
  ["printf 'a\\nb\\n' | xargs echo; printf 'a b c' | xargs -n1 echo; printf 'x\\ny\\n' | xargs -I{} echo \"<{}>\"", "a b\na\nb\nc\n<x>\n<y>\n"],
  ["echo aGVsbG8= | base64 -d; echo; printf hello | base64; printf hello | md5sum; printf hello | sha256sum | cut -d' ' -f1", "hello\naGVsbG8=\n5d41402abc4b2a76b9719d911017c592  -\n2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"],
  ["date -u -d @0 +%Y-%m-%dT%H:%M:%SZ; date -u -d '2024-01-02 03:04:05' +%s", "1970-01-01T00:00:00Z\n1704164645\n"],
  ["head -c 5 /dev/zero | wc -c; printf 'a\\nb\\nc\\n' | head -2; printf 'a\\nb\\nc\\n' | tail -1; printf 'a\\nb\\nc\\n' | tail -n +2", "5\na\nb\nc\nb\nc\n"],
  ["grep -c a <<EOF\nabc\nxyz\nbca\nEOF\nprintf 'foo1\\nbar\\n' | grep -E '[0-9]+$'; printf 'a.b\\naxb\\n' | grep -F 'a.b'; printf 'x\\n' | grep -q y || echo no", "2\nfoo1\na.b\nno\n"],
  ["command -v ls >/dev/null && echo have; type cd >/dev/null && echo builtin; command -v nosuch || echo missing", "have\nbuiltin\nmissing\n"],
  ["f() { echo \"$# $1\"; shift; echo \"$@\"; }; f \"a b\" c d", "3 a b\nc d\n"],
  ["set -- 1 2 3; for a; do printf \"$a \"; done; echo; shift 2; echo $1 $#", "1 2 3 \n3 1\n"],
  ["echo \"${HOME%/*}x\" \"${PWD:+set}\"; unset HOME; echo \"${HOME-unset}\"", "x set\nunset\n"],
  ["n=0; while :; do n=$((n+1)); [ $n -eq 3 ] && break; done; echo $n", "3\n"],
  ["echo a | tee f | cat; cat f; wc -l < f", "a\na\n1\n"],
  ["mkdir d; cd d; touch b a .h; ls; ls -a | head -1; cd ..; rm -r d; [ -e d ] || echo gone", "a\nb\n.\ngone\n"],
  ["echo 'x' > f; cp f g; mv g h; ln -s f l; readlink l; cat l h; [ -L l ] && echo link", "f\nx\nx\nlink\n"],
  ["printf '%s\\n' \"${@:-none}\"; a='*'; echo \"$a\"; set -f; echo *; set +f", "none\n*\n*\n"],
  ["echo start; sh -c 'kill -TERM $$'; echo \"rc $?\"", "start\nrc 143\n"],
  ["trap 'echo got' USR1; kill -USR1 $$; echo after", "got\nafter\n"],
  ["false | true; echo $?; ! true; echo $?", "0\n1\n"],
  ["echo $0 | wc -l; echo $$ | grep -c '^[0-9]*$'; echo \"$-\" | grep -c .", "1\n1\n0\n(1)"],
  ["read a b <<EOF\n1 2 3\nEOF\necho \"$b\"", "2 3\n"],
  ["tar cf a.tar --help >/dev/null 2>&1; mkdir s; echo hi > s/f; tar czf a.tgz s; rm -r s; tar xzf a.tgz; cat s/f; tar tzf a.tgz", "hi\ns/\ns/f\n"],
  ["printf 'a\\na\\nb\\n' | uniq -c | awk '{print $1,$2}'; printf 'c\\nb\\n' > p; printf '1\\n2\\n' > q; paste p q; paste -d, -s p", "2 a\n1 b\nc\t1\nb\t2\nc,b\n"],
  ["nl=$(printf '\\n.'); echo \"${#nl}\"; x=$(printf 'a\\n\\n'); echo \"[$x]\"", "2\n[a]\n"],
  ["echo 'a \"b\" $c' | sed \"s/\\\"/'/g\"; echo path/to/file | sed 's|/|:|g'", "a 'b' $c\npath:to:file\n"],
  ["sed -i 's/a/b/' f 2>/dev/null || { echo aa > f; sed -i 's/a/b/' f; }; cat f", "ba\n"],
  ["printf '%s' abc | od -An -c | tr -d ' \\n'; echo; printf 'ab' | hexdump -C 2>/dev/null | head -1 | cut -c1-15", "abc\n00000000  61 62\n"],
  ["i=10; while [ $((i-=3)) -gt 0 ]; do echo $i; done", "7\n4\n1\n"],
  ["a() { b; }; b() { echo in b; return 3; }; a; echo $?", "in b\n3\n"],
  ["x=$(false); echo $?; local_test() { local z=$(false); echo $?; }; local_test", "1\n0\n"],
  ["{ echo 1; exit 2; } ; echo never", "1\n(2)"],
  ["( trap 'echo sub' EXIT; exit 1 ); echo $?", "sub\n1\n"],
  ["echo \"multi\nline\" | grep -n line", "2:line\n"],
  ["alias ll='ls -l' 2>/dev/null; echo ok; umask; umask 077; umask", "ok\n0022\n0077\n"],
  ["exit_code=0; sh -c 'exit 7' || exit_code=$?; echo $exit_code", "7\n"],
  ["x=\"hello\"; case \"$x\" in h?llo) echo m1;; esac; case abc in [a-c]*) echo m2;; esac; case '' in '') echo empty;; esac", "m1\nm2\nempty\n"],
  ["cat /etc/hostname >/dev/null 2>&1; echo \"a=$a\"; echo 'single '\\''quoted'\\'''", "a=\nsingle 'quoted'\n"],
  ["echo -n no newline; echo; echo -e 'a\\tb' | cat | grep -c a", "no newline\n1\n"],
  ["diff /dev/null /dev/null && echo same; printf 'a\\n' > x1; printf 'b\\n' > x2; cmp -s x1 x2 || echo differ", "same\ndiffer\n"],
  ["for f in a b; do for g in 1 2; do [ $g = 2 ] && continue 2; echo $f$g; done; done", "a1\nb1\n"],
  ["[ \"abc\" \\< \"abd\" ] && echo lt; [ -z \"\" ] && echo z; [ ! -f nofile ] && echo nf; [ 5 -ge 5 -a 3 -le 4 -o 1 -eq 2 ] && echo c", "lt\nz\nnf\nc\n"],
  ["stat -c '%a %s' /dev/null | cut -d' ' -f1; echo abc > s; stat -c %s s; chmod 640 s; stat -c %a s", "666\n4\n640\n"],
]

t.test('scripts', async (t) => {
  for (const [text, expected] of scripts) t.equal(printed(await script(text)), expected, text)
})

const toolScripts: readonly Case[] = [
  ['date -u -d @1.5 "+%s%3N %N %-d %_d %d"', '1500 500000000 1  1 01\n'],
  ['echo a >x; mv -v x y; cp -v y z; echo b >x; cp -n x z; cat z', "'/tmp/x' -> '/tmp/y'\n'/tmp/y' -> '/tmp/z'\na\n"],
  ["printf 'a\\nb\\n' > p; printf '1\\n2\\n3\\n' > q; paste p q; paste -d, -s q; seq 6 | paste - - -", "a\t1\nb\t2\n\t3\n1,2,3\n1\t2\t3\n4\t5\t6\n"],
  ["seq 5 | shuf | sort -n | tr '\\n' ' '; seq 10 | split -l 4 - part; ls part*; cat partac", "1 2 3 4 5 partaa\npartab\npartac\n9\n10\n"],
  ["printf 'hello' | xxd | head -1; printf 'hello' | xxd -p; echo 68656c6c6f | xxd -r -p; echo", "00000000: 6865 6c6c 6f                             hello\n68656c6c6f\nhello\n"],
  ["echo aa > f; sed -i 's/a/b/' f; cat f; sed -i.bak 's/b/c/' f; cat f f.bak", "ba\nca\nba\n"],
  ["cat <<-EOF\n\tx\n\t y\n\tEOF", "x\n y\n"],
  ["find / -maxdepth 1 -name etc; find . -type f | wc -l; mkdir -p a/b; touch a/b/c a/d; find a -type f -exec echo {} \\; | sort; find a -name c -delete; find a | sort; find a -type f -print0 | xargs -0 ls", "/etc\n0\na/b/c\na/d\na\na/b\na/d\na/d\n"],
  ["echo 'a.b.c' | tr . '\\n' | sort -r | head -1; echo abc | sed 's/./&\\n/g' | head -2; date +%s | grep -c '^[0-9]*$'", "c\na\nb\n1\n"],
  ["grep -rn foo . ; echo foo > z; grep -rn foo .; grep -l foo z; grep -o 'o' z | wc -l; grep -v x z; echo \"a1b2\" | grep -oE '[0-9]'; echo 'x=1' | grep -P '\\d'", "./z:1:foo\nz\n2\nfoo\n1\n2\nx=1\n"],
  ["sort -t: -k2,2n <<EOF\na:3\nb:1\nc:2\nEOF\nsort -u -k1,1 <<EOF\nb 1\na 2\nb 3\nEOF", "b:1\nc:2\na:3\na 2\nb 1\n"],
  ["echo '{\"a\":1}' > j; cat j | tr -d '{}'; wc -c < j; cut -d: -f2 j", "\"a\":1\n8\n1}\n"],
  ["tar cf t.tar j; tar tf t.tar; gzip -c j | gunzip -c; gzip j; ls j.gz; gunzip j.gz; cat j", "(1)"],
  ["for i in $(seq 1 3); do printf '%02d ' $i; done; echo; printf '%-10s|%10s|\\n' left right; printf '%+d %e %g %g\\n' 5 12345.678 0.0001 1e10", "01 02 03 \nleft      |     right|\n+5 1.234568e+04 0.0001 1e+10\n"],
  ["date -u -d '2024-02-28 +2 days' +%F 2>/dev/null; date -u -d '@86400' '+%a %b %d %H:%M:%S %Z %Y'; date -u -d '2024-01-01T00:00:00Z' +%s", "2024-03-01\nFri Jan 02 00:00:00 UTC 1970\n1704067200\n"],
]

t.test('tools', async (t) => {
  for (const [text, expected] of toolScripts) t.equal(printed(await script(text)), expected, text)
})
