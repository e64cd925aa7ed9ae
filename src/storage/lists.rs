//! Lists in statements. However long, a list is one bind, so that a statement is prepared once for all of them.

use std::cell::OnceCell;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, Bool, HasSqlType, SingleValue, SqlType, Text};
use diesel::sqlite::Sqlite;
use serde_json::Value;
use uuid::Uuid;

use super::types::{Guid, Id};

/// What a list in a statement is of.
pub trait Listed {
    /// Its SQL type.
    type Sql: SqlType + SingleValue + QueryId + 'static;
    /// As it stands in the database.
    type Held: std::fmt::Debug;
    /// Whether SQLite holds bytes, which JSON can't tell.
    const BYTES: bool;

    /// As it stands in the database.
    fn held(&self) -> Self::Held;
    /// As JSON tells it: text, or the hexadecimal digits of bytes.
    fn text(held: &Self::Held) -> String;
}

impl Listed for Uuid {
    type Sql = Guid;
    type Held = Id;
    const BYTES: bool = true;

    fn held(&self) -> Id {
        Id(*self)
    }

    fn text(held: &Id) -> String {
        held.0.simple().to_string()
    }
}

impl Listed for &str {
    type Sql = Text;
    type Held = String;
    const BYTES: bool = false;

    fn held(&self) -> String {
        (*self).to_owned()
    }

    fn text(held: &String) -> String {
        held.clone()
    }
}

/// Whether a column is one of a list.
pub fn among<C, T: Listed>(column: C, list: &[T]) -> Among<C, T> {
    Among { column, held: list.iter().map(T::held).collect(), text: OnceCell::new() }
}

/// Whether two columns are one of a list of pairs.
pub fn pairs_among<C, D, T: Listed, U: Listed>(one: C, other: D, list: &[(T, U)]) -> PairsAmong<C, D, T, U> {
    let (ones, others) = list.iter().map(|(one, other)| (one.held(), other.held())).unzip();
    PairsAmong { columns: (one, other), ones, others, text: OnceCell::new() }
}

/// [`among`] as an expression.
#[derive(Debug)]
pub struct Among<C, T: Listed> {
    column: C,
    held: Vec<T::Held>,
    /// All of them, as SQLite reads them.
    text: OnceCell<String>,
}

/// [`pairs_among`] as an expression.
#[derive(Debug)]
pub struct PairsAmong<C, D, T: Listed, U: Listed> {
    columns: (C, D),
    ones: Vec<T::Held>,
    others: Vec<U::Held>,
    /// All of them, as SQLite reads them.
    text: OnceCell<String>,
}

impl<C, T: Listed> Expression for Among<C, T> {
    type SqlType = Bool;
}

impl<C, D, T: Listed, U: Listed> Expression for PairsAmong<C, D, T, U> {
    type SqlType = Bool;
}

impl<S, C: AppearsOnTable<S>, T: Listed> AppearsOnTable<S> for Among<C, T> {}
impl<S, C: SelectableExpression<S>, T: Listed> SelectableExpression<S> for Among<C, T> {}
impl<S, C: AppearsOnTable<S>, D: AppearsOnTable<S>, T: Listed, U: Listed> AppearsOnTable<S> for PairsAmong<C, D, T, U> {}
impl<S, C: SelectableExpression<S>, D: SelectableExpression<S>, T: Listed, U: Listed> SelectableExpression<S> for PairsAmong<C, D, T, U> {}

impl<C, T: Listed> ValidGrouping<()> for Among<C, T> {
    type IsAggregate = is_aggregate::No;
}

impl<C, D, T: Listed, U: Listed> ValidGrouping<()> for PairsAmong<C, D, T, U> {
    type IsAggregate = is_aggregate::No;
}

/// A column by which rows are not looked for, but only looked at: SQLite, which knows little of how many there are, is kept from its index.
pub fn looked_at<C>(column: C) -> LookedAt<C> {
    LookedAt(column)
}

/// [`looked_at`] as an expression.
#[derive(Debug, Clone, Copy, QueryId)]
pub struct LookedAt<C>(C);

impl<C: Expression> Expression for LookedAt<C> {
    type SqlType = C::SqlType;
}

impl<S, C: AppearsOnTable<S>> AppearsOnTable<S> for LookedAt<C> {}
impl<S, C: SelectableExpression<S>> SelectableExpression<S> for LookedAt<C> {}

impl<C: ValidGrouping<()>> ValidGrouping<()> for LookedAt<C> {
    type IsAggregate = C::IsAggregate;
}

impl<C: QueryFragment<Pg>> QueryFragment<Pg> for LookedAt<C> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for LookedAt<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("+");
        self.0.walk_ast(out)
    }
}

/// The identity of a statement with an [`Among`].
#[derive(Debug)]
pub struct AmongId<C, S>(std::marker::PhantomData<(C, S)>);

impl<C: QueryId, T: Listed> QueryId for Among<C, T> {
    type QueryId = AmongId<C::QueryId, T::Sql>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}

impl<C: QueryId, D: QueryId, T: Listed, U: Listed> QueryId for PairsAmong<C, D, T, U> {
    type QueryId = AmongId<(C::QueryId, D::QueryId), (T::Sql, U::Sql)>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID && D::HAS_STATIC_QUERY_ID;
}

impl<C: QueryFragment<Pg>, T: Listed> QueryFragment<Pg> for Among<C, T>
where
    Pg: HasSqlType<T::Sql> + HasSqlType<Array<T::Sql>>,
    Vec<T::Held>: ToSql<Array<T::Sql>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY(");
        out.push_bind_param::<Array<T::Sql>, _>(&self.held)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: QueryFragment<Sqlite>, T: Listed> QueryFragment<Sqlite> for Among<C, T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(if T::BYTES { " IN (SELECT unhex(value) FROM json_each(" } else { " IN (SELECT value FROM json_each(" });
        let texts = || self.held.iter().map(T::text).collect::<Value>().to_string();
        out.push_bind_param::<Text, _>(self.text.get_or_init(texts))?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C: QueryFragment<Pg>, D: QueryFragment<Pg>, T: Listed, U: Listed> QueryFragment<Pg> for PairsAmong<C, D, T, U>
where
    Pg: HasSqlType<T::Sql> + HasSqlType<Array<T::Sql>> + HasSqlType<U::Sql> + HasSqlType<Array<U::Sql>>,
    Vec<T::Held>: ToSql<Array<T::Sql>, Pg>,
    Vec<U::Held>: ToSql<Array<U::Sql>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        columns(&self.columns, out.reborrow())?;
        out.push_sql(" IN (SELECT * FROM unnest(");
        out.push_bind_param::<Array<T::Sql>, _>(&self.ones)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<U::Sql>, _>(&self.others)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C: QueryFragment<Sqlite>, D: QueryFragment<Sqlite>, T: Listed, U: Listed> QueryFragment<Sqlite> for PairsAmong<C, D, T, U> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        columns(&self.columns, out.reborrow())?;
        let part = |bytes: bool, index: u8| if bytes { format!("unhex(value ->> {index})") } else { format!("value ->> {index}") };
        out.push_sql(&format!(" IN (SELECT {}, {} FROM json_each(", part(T::BYTES, 0), part(U::BYTES, 1)));
        let texts = || {
            let pairs = self.ones.iter().zip(&self.others);
            pairs.map(|(one, other)| Value::Array(vec![T::text(one).into(), U::text(other).into()])).collect::<Value>().to_string()
        };
        out.push_bind_param::<Text, _>(self.text.get_or_init(texts))?;
        out.push_sql("))");
        Ok(())
    }
}

fn columns<'b, B: Backend, C: QueryFragment<B>, D: QueryFragment<B>>((one, other): &'b (C, D), mut out: AstPass<'_, 'b, B>) -> QueryResult<()> {
    out.push_sql("(");
    one.walk_ast(out.reborrow())?;
    out.push_sql(", ");
    other.walk_ast(out.reborrow())?;
    out.push_sql(")");
    Ok(())
}
