"""A small REST interface to PostgreSQL, in the manner of PostgREST (which no package registry has): tables as paths,
filters as query, functions under /rpc. It lets nobody in but who shows the service key."""
import json
import os

import psycopg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from psycopg import sql
from psycopg.rows import dict_row

app = FastAPI()
KEY = os.environ["SERVICE_KEY"]
RESERVED = {"select", "order", "limit"}


def connect():
    return psycopg.connect(os.environ["DATABASE"], row_factory=dict_row, autocommit=True)


def where(query):
    """`column=eq.value` pairs as a condition."""
    pairs = [(name, value.removeprefix("eq.")) for name, value in query.items() if name not in RESERVED]
    parts = [sql.SQL("{}::text = {}").format(sql.Identifier(name), value) for name, value in pairs]
    return sql.SQL(" where ") + sql.SQL(" and ").join(parts) if parts else sql.SQL("")


def columns(query):
    names = query.get("select", "*")
    return sql.SQL("*") if names == "*" else sql.SQL(", ").join(map(sql.Identifier, names.split(",")))


@app.middleware("http")
async def only_the_service(request: Request, call_next):
    if request.headers.getlist("authorization") != [f"Bearer {KEY}"]:
        return JSONResponse({"code": "PGRST301", "message": "JWT invalid"}, status_code=401)
    return await call_next(request)


@app.post("/rpc/graphql")
async def graphql(request: Request):
    if request.headers.get("content-profile") != "graphql_public":
        return JSONResponse({"code": "PGRST106", "message": "wrong schema"}, status_code=406)
    body = await request.json()
    with connect() as db:
        return db.execute("select graphql_public.graphql(%s) as answer", [body["query"]]).fetchone()["answer"]


@app.api_route("/{table}", methods=["GET", "HEAD"])
def read(table: str, request: Request):
    with connect() as db:
        query = sql.SQL("select {} from {}{} order by 1").format(
            columns(request.query_params), sql.Identifier(table), where(request.query_params))
        rows = db.execute(query).fetchall()
    return JSONResponse(rows, headers={"Content-Range": f"0-{len(rows) - 1}/{len(rows)}"})


@app.post("/{table}")
async def insert(table: str, request: Request):
    row = await request.json()
    statement = sql.SQL("insert into {} ({}) values ({}) returning *").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(row.values()))
    try:
        with connect() as db:
            return JSONResponse(db.execute(statement).fetchall(), status_code=201)
    except psycopg.errors.UniqueViolation as error:
        return JSONResponse({"code": error.sqlstate, "message": str(error)}, status_code=409)


@app.patch("/{table}")
async def update(table: str, request: Request):
    row = await request.json()
    values = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(k), v) for k, v in row.items())
    with connect() as db:
        db.execute(sql.SQL("update {} set {}{}").format(sql.Identifier(table), values, where(request.query_params)))
    return Response(status_code=204)


@app.delete("/{table}")
def delete(table: str, request: Request):
    with connect() as db:
        db.execute(sql.SQL("delete from {}{}").format(sql.Identifier(table), where(request.query_params)))
    return Response(status_code=204)
