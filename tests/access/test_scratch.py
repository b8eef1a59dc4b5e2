from tests.world import World, id_of, acceptance, token_of
import asyncpg, uuid
async def opened(conn, name, act="x"):
    from tests.world import SYSTEMS
    return await conn.fetchval("SELECT event_id FROM access.open($1,$2,$3,NULL,$4,'req-12345',NULL,NULL)", "client" if name in SYSTEMS else "person", id_of(name), id_of(f"session of {name}"), act)

async def test_explore(world, superuser, intruder, owner):
    a = await world.case("worker_north")
    b = await world.case("worker_south")
    print("owner sees cases:", await owner.fetchval("SELECT count(*) FROM cases"), await owner.fetchval("SELECT count(*) FROM access_events"))
    e = await opened(intruder, "worker_north")
    async with intruder.transaction():
        await intruder.execute("SELECT set_config('firststep.access',$1,true)", str(e))
        print("sees", await intruder.fetchval("SELECT count(*) FROM cases"))
        print(await intruder.execute("UPDATE cases SET lead_worker_id='%s'" % id_of("worker_north")))
        print("sees", await intruder.fetchval("SELECT count(*) FROM cases"))
        print(await intruder.execute("DELETE FROM name_tokens"))
        print(await intruder.execute("UPDATE referrals SET handed_to_id=NULL"))
        print(await intruder.execute("UPDATE children SET sex='male'"))
    print(await superuser.fetch("select p.oid::regprocedure::text, prosecdef, proconfig::text, proacl::text, pg_get_userbyid(proowner) from pg_proc p join pg_namespace n on n.oid=pronamespace where nspname='access'"))
    print(await superuser.fetch("select c.relname, relkind, relispartition, relrowsecurity, relforcerowsecurity, (select count(*) from pg_policy where polrelid=c.oid) from pg_class c join pg_namespace n on n.oid=relnamespace where nspname='public' and relkind in ('r','p','v','m') order by 1"))
    r = await world.worker_north.patch(f"/v1/cases/{a['id']}", {"summary": "x"}, headers={"if-match": '"²"'.encode("latin-1")})
    print(r.status_code, r.text[:200])
    print(await owner.fetchval("select count(*) from children")); assert 0
