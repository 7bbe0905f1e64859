/** Clients of databases against something that listens: what is answered, and what is said of the rest. */
import t from 'tap'
import { NO_DATABASE } from '../../../src/kubelet/sandbox/sql/answers.ts'
import { script } from '../../helpers/sandbox.ts'

t.test('mysql', async (t) => {
  const run = (text: string) => script(`export MYSQL_ROOT_PASSWORD=secret MYSQL_DATABASE=shop MYSQL_USER=app MYSQL_PASSWORD=apple; ${text}`, { image: 'mysql:9', ports: [3306] })
  t.equal(await run("mysql -uroot -psecret -e 'show databases'"), 'Database\ninformation_schema\nmysql\nperformance_schema\nshop\nsys\n')
  t.equal(await run('mysql --user=app --password=apple -h 127.0.0.1 shop -N -e "SELECT 1 AS one, \'a,b\', database(); select 2;"'), '1\ta,b\tshop\n2\n')
  t.equal(await run('mysql -uroot -psecret -t -e "select 10 as n"'), '+----+\n| n  |\n+----+\n| 10 |\n+----+\n')
  t.equal(await run('mysql -uroot -pwrong -e "select 1" || echo $?'), "1\n!ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)\n")
  t.equal(await run('echo "create table t (id int);" | mysql -uroot -psecret || echo $?'), `1\n!ERROR 1235 (42000) at line 1: ${NO_DATABASE}; not: create table t (id int)\n`)
  t.equal(await run('mysql -h localhost -P 1 -e "select 1" || mysqladmin ping -h localhost'), "mysqld is alive\n!ERROR 2002 (HY000): Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)\n")
})

t.test('psql', async (t) => {
  const run = (text: string) => script(`export POSTGRES_PASSWORD=secret POSTGRES_USER=app POSTGRES_DB=shop; ${text}`, { image: 'postgres:17', ports: [5432] })
  t.equal(await run('psql -U app shop -c "SELECT 1"'), ' ?column? \n----------\n        1\n(1 row)\n\n')
  t.equal(await run('psql -U app -d shop -tAc "select version()"'), 'PostgreSQL 17.6 on x86_64-pc-linux-gnu, compiled by gcc, 64-bit\n')
  t.equal(await run('psql -U app -d shop -At -c "select datname from pg_database"'), 'postgres\nshop\ntemplate0\ntemplate1\n')
  t.match(await run('psql postgresql://app:secret@localhost/shop -l'), /^ +List of databases\n +Name +\| Encoding/)
  t.equal(await run('psql -U who shop -c "select 1" || echo $?'), '2\n!psql: error: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  role "who" does not exist\n')
  t.equal(await run('psql -U app shop -c "insert into t values (1)" || echo $?'), `1\n!ERROR:  ${NO_DATABASE}; not: insert into t values (1)\n`)
  t.equal(await run('psql -h localhost -p 1 -U app || pg_isready -U app'), '/var/run/postgresql:5432 - accepting connections\n!psql: error: connection to server at "localhost", port 1 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n')
})

t.test('mongosh', async (t) => {
  const run = (text: string) => script(text, { image: 'mongo:8', ports: [27017] })
  t.equal(await run(`mongosh --quiet --eval "db.adminCommand('ping')"; mongosh mongodb://localhost:27017/shop --eval 'db.getName()' --eval 'db.runCommand({ ping: 1 }).ok'`), '{ ok: 1 }\nshop\n1\n')
  t.match(await run('mongosh --eval "db.users.insertOne({a: 1})" || echo $?'), /^1\n!MongoServerError: Orrery runs no database: .*; not: db\.users\.insertOne\(\{a: 1\}\)\n$/)
  t.equal(await run('mongosh --port 1 --eval "db.version()" || echo $?'), '1\n!MongoNetworkError: connect ECONNREFUSED 127.0.0.1:1\n')
})
