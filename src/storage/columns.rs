//! Rows to be inserted by a statement that is prepared once, however many they are: on PostgreSQL a list is bound for each column, and put
//! together to rows again; on SQLite, where a statement goes nowhere, they go one by one.

/// Declares a row to be inserted, and the columns of many of them: `struct ROW, COLUMNS into "table" { column: Rust type as SQL type, … }`,
/// and what the statement ends with.
macro_rules! columns {
    (
        $(#[$meta:meta])* struct $row:ident, $columns:ident into $table:literal { $($column:ident: $rust:ty as $sql:ty),+ $(,)? }
        $($end:literal)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, diesel::query_builder::QueryId)]
        struct $row {
            $($column: $rust,)+
        }

        /// Many rows, column by column.
        #[derive(Debug, Default, diesel::query_builder::QueryId)]
        struct $columns {
            $($column: Vec<$rust>,)+
        }

        impl $columns {
            const NAMES: &'static [&'static str] = &[$(stringify!($column)),+];

            /// Writes them as rows that a statement selects from.
            fn push_rows<'b>(&'b self, out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>) -> diesel::QueryResult<()> {
                out.push_sql("unnest(");
                let mut separator = "";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<diesel::sql_types::Array<$sql>, _>(&self.$column)?;
                    separator = ", ";
                )+
                let _ = separator;
                out.push_sql(")");
                Ok(())
            }

            fn of(rows: impl IntoIterator<Item = $row>) -> Self {
                let mut columns = Self::default();
                for row in rows {
                    $(columns.$column.push(row.$column);)+
                }
                columns
            }
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $columns {
            fn walk_ast<'b>(&'b self, mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>) -> diesel::QueryResult<()> {
                out.push_sql(concat!("INSERT INTO ", $table, " ("));
                $crate::storage::columns::push_list(&mut out, Self::NAMES);
                out.push_sql(") SELECT * FROM ");
                self.push_rows(&mut out)?;
                out.push_sql(concat!("" $(, " ", $end)?));
                Ok(())
            }
        }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $row {
            fn walk_ast<'b>(&'b self, mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>) -> diesel::QueryResult<()> {
                out.push_sql(concat!("INSERT INTO ", $table, " ("));
                $crate::storage::columns::push_list(&mut out, $columns::NAMES);
                out.push_sql(") VALUES (");
                let mut separator = "";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<$sql, _>(&self.$column)?;
                    separator = ", ";
                )+
                let _ = separator;
                out.push_sql(concat!(")", $(" ", $end)?));
                Ok(())
            }
        }

        impl diesel::RunQueryDsl<diesel::PgConnection> for $columns {}
        impl diesel::RunQueryDsl<diesel::SqliteConnection> for $row {}
    };
}
pub(super) use columns;

/// Writes names with commas between them.
pub(super) fn push_list<DB: diesel::backend::Backend>(out: &mut diesel::query_builder::AstPass<'_, '_, DB>, names: &[&str]) {
    for (place, name) in names.iter().enumerate() {
        out.push_sql(if place == 0 { "" } else { ", " });
        out.push_sql(name);
    }
}
