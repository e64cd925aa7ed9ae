//! The fonts that the documents carry, compiled in: Noto, under the SIL Open Font License. `assets/fonts/README.md` says where each is from.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use krilla::text::Font;
use parley::FontContext;
use parley::fontique::{Blob, Collection, CollectionOptions, SourceCache};

/// What names are set in, where the family at hand lacks a character: in this order.
pub(super) const FALLBACKS: [&str; 4] = ["Noto Serif", "Noto Sans Cherokee", "Noto Sans Osage", "Noto Sans Canadian Aboriginal"];

const FILES: [&[u8]; 7] = [
    include_bytes!("../../assets/fonts/NotoSerif-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSerif-Italic.ttf"),
    include_bytes!("../../assets/fonts/NotoSerif-Bold.ttf"),
    include_bytes!("../../assets/fonts/NotoSerifDisplay-Bold.ttf"),
    include_bytes!("../../assets/fonts/NotoSansCherokee-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSansOsage-Regular.ttf"),
    include_bytes!("../../assets/fonts/NotoSansCanadianAboriginal-Regular.ttf"),
];

/// The fonts, to measure with and to draw with.
#[derive(Clone)]
pub(super) struct Fonts {
    /// Chooses a font for each character.
    pub(super) context: FontContext,
    /// The fonts as the PDF takes them, by the id of their data.
    pub(super) faces: Arc<HashMap<u64, Font>>,
}

impl Fonts {
    /// The fonts that are compiled in, read once. Those of the machine are never looked at: the same award makes the same bytes everywhere.
    pub(super) fn shipped() -> Self {
        static SHIPPED: LazyLock<Mutex<Fonts>> = LazyLock::new(|| Mutex::new(Fonts::read()));
        SHIPPED.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read() -> Self {
        let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: false });
        let mut faces = HashMap::new();
        for file in FILES {
            let data: Blob<u8> = Blob::new(Arc::new(file));
            if let Some(font) = Font::new(file.into(), 0) {
                faces.insert(data.id(), font);
            }
            collection.register_fonts(data, None);
        }
        Self { context: FontContext { collection, source_cache: SourceCache::default() }, faces: Arc::new(faces) }
    }
}
