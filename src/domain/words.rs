//! Enumerations whose values are words of the contract: one table each for code, JSON, columns and docs.

/// Declares an enum of plain words with `ALL`, `parse`, `as_str`, `Display` and `Serialize`.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident else $code:literal {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Reads the word of the contract.
            ///
            /// # Errors
            #[doc = concat!("`", $code, "`, naming the words that would be understood.")]
            pub fn parse(word: &str) -> Result<Self, $crate::domain::invalid::Invalid> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word).ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                    $crate::domain::invalid::Invalid::new(
                        $code,
                        format_args!("must be one of {}", words.join(", ")),
                    )
                })
            }

            /// The word of the contract, in `snake_case`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
