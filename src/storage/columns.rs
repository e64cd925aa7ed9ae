//! Rows, however many, by one statement that PostgreSQL prepares once: a list is bound for each column, and put together to rows again.

/// Declares a struct of columns, which rows are pushed to, with a method that writes the `INSERT … SELECT` of them.
macro_rules! columns {
    ($(#[$meta:meta])* struct $name:ident into $table:literal { $($column:ident: $rust:ty as $sql:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, diesel::query_builder::QueryId)]
        struct $name {
            $($column: Vec<$rust>,)+
        }

        impl $name {
            /// Writes the insert, without an end.
            fn walk_insert<'b>(&'b self, out: &mut diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>) -> diesel::QueryResult<()> {
                let names = [$(stringify!($column)),+].join(", ");
                out.push_sql(concat!("INSERT INTO ", $table, " ("));
                out.push_sql(&names);
                out.push_sql(") SELECT * FROM unnest(");
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
        }

        impl diesel::RunQueryDsl<diesel::PgConnection> for $name {}
    };
}
pub(super) use columns;
