-- A table that shows who may see and write what: everybody the open rows, a signed-in user those of their own as well, the
-- service all.
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
grant usage on schema public to anon, authenticated, service_role;

create function public.claims() returns json stable language sql as
  $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), 'null')::json $$;
create table public.notes (
  id int primary key,
  body text not null,
  open boolean not null default false,
  author text not null default coalesce(public.claims() ->> 'sub', current_user::text)
);
grant all on public.notes to anon, authenticated, service_role;
alter table public.notes enable row level security;
create policy open on public.notes for select using (open);
create policy own on public.notes to authenticated using (author = public.claims() ->> 'sub');
insert into public.notes values (1, 'for everybody', true, 'setup'), (2, 'for the service', false, 'setup');

-- Whom the database takes a request to be from, and by which key.
create function public.whoami() returns json stable language sql as
  $$ select json_build_object('role', current_user, 'key', public.claims() ->> 'key') $$;

create schema graphql_public;
grant usage on schema graphql_public to anon, authenticated, service_role;
create function graphql_public.graphql(query text) returns json language sql as
  $$ select json_build_object('data', json_build_object('asked', query, 'role', current_user)) $$;
