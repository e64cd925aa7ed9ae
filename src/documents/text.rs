//! Lines of text: how wide they are, where they break, and at which size they fit.

use parley::layout::{Alignment, AlignmentOptions};
use parley::style::{FontFamily, FontFamilyName, FontStyle, FontWeight, LineHeight, OverflowWrap, StyleProperty};
use parley::{Layout, LayoutContext};

use super::fonts::{FALLBACKS, Fonts};

/// A colour of ink.
pub(super) type Ink = [u8; 3];

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// The family; what it lacks comes from the [`FALLBACKS`].
    pub(super) family: &'static str,
    /// Bold.
    pub(super) bold: bool,
    /// Italic.
    pub(super) italic: bool,
    /// In points.
    pub(super) size: f32,
    /// Space between letters, in points.
    pub(super) tracking: f32,
    /// From baseline to baseline, in sizes.
    pub(super) leading: f32,
    /// Its colour.
    pub(super) ink: Ink,
    /// Where lines stand in their box.
    pub(super) align: Alignment,
}

impl Style {
    /// Upright text of a size.
    pub(super) const fn new(size: f32, ink: Ink) -> Self {
        Self { family: "Noto Serif", bold: false, italic: false, size, tracking: 0.0, leading: 1.4, ink, align: Alignment::Start }
    }

    /// The same in the middle of its box.
    pub(super) const fn centered(self) -> Self {
        Self { align: Alignment::Center, ..self }
    }

    /// The same in bold.
    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// The same in italics.
    pub(super) const fn italic(self) -> Self {
        Self { italic: true, ..self }
    }

    /// The same in the letters that are made to be large.
    pub(super) const fn display(self) -> Self {
        Self { family: "Noto Serif Display", bold: true, leading: 1.25, ..self }
    }

    /// The same with space between the letters.
    pub(super) const fn tracked(self, tracking: f32) -> Self {
        Self { tracking, ..self }
    }
}

/// Text that is broken into lines.
pub(super) struct Block {
    /// The lines.
    pub(super) layout: Layout<()>,
    /// The text that the lines are of.
    pub(super) text: String,
    /// How it looks.
    pub(super) style: Style,
    /// How far the lines' own box stands in from the left of the box that was asked for.
    pub(super) inset: f32,
}

impl Block {
    /// The height of all lines, in points.
    pub(super) fn height(&self) -> f32 {
        self.layout.height()
    }
}

/// Breaks text into lines.
pub(super) struct Typesetter {
    fonts: Fonts,
    scratch: LayoutContext<()>,
}

impl Typesetter {
    /// With the fonts that are compiled in.
    pub(super) fn new() -> Self {
        Self { fonts: Fonts::shipped(), scratch: LayoutContext::new() }
    }

    /// The fonts.
    pub(super) fn fonts(&self) -> &Fonts {
        &self.fonts
    }

    /// Text in a box of a width. A word that is wider than the box is broken: nothing is cut.
    pub(super) fn set(&mut self, text: &str, style: Style, width: f32) -> Block {
        let mut layout = self.shape(text, style);
        layout.break_all_lines(Some(width));
        layout.align(style.align, AlignmentOptions::default());
        Block { layout, text: text.to_owned(), style, inset: 0.0 }
    }

    /// Text in a box: on one line at the size of the style where it fits, and else smaller, down to `least`; then on several lines of much the same
    /// length; then smaller still, until it has room.
    pub(super) fn fit(&mut self, text: &str, style: Style, (width, height): (f32, f32), least: f32) -> Block {
        let whole = self.shape(text, style).calculate_content_widths().max;
        let one_line = style.size * (width / whole.max(1.0)).min(1.0);
        if one_line >= least {
            return self.set(text, Style { size: round_down(one_line), ..style }, width);
        }
        let mut size = style.size.min(least * 1.25);
        loop {
            let block = self.set(text, Style { size, ..style }, width);
            if block.height() <= height || size <= 4.0 {
                return self.balance(block, width);
            }
            size -= 0.5;
        }
    }

    /// The same lines, as many, in a box as narrow as holds them: none is left with a single word.
    fn balance(&mut self, block: Block, width: f32) -> Block {
        let lines = block.layout.len();
        let (mut narrow, mut wide) = (width / 3.0, width);
        for _ in 0..12 {
            let middle = f32::midpoint(narrow, wide);
            if self.set(&block.text, block.style, middle).layout.len() > lines { narrow = middle } else { wide = middle }
        }
        let mut layout = self.shape(&block.text, block.style);
        layout.break_all_lines(Some(wide));
        layout.align(block.style.align, AlignmentOptions::default());
        let inset = if block.style.align == Alignment::Center { (width - wide) / 2.0 } else { 0.0 };
        Block { layout, inset, ..block }
    }

    fn shape(&mut self, text: &str, style: Style) -> Layout<()> {
        let mut builder = self.scratch.ranged_builder(&mut self.fonts.context, text, 1.0, false);
        let families: Vec<FontFamilyName<'_>> = std::iter::once(style.family).chain(FALLBACKS).map(FontFamilyName::named).collect();
        builder.push_default(StyleProperty::FontFamily(FontFamily::List(families.into())));
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(style.leading)));
        builder.push_default(StyleProperty::LetterSpacing(style.tracking));
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        if style.bold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
        }
        if style.italic {
            builder.push_default(StyleProperty::FontStyle(FontStyle::Italic));
        }
        builder.build(text)
    }
}

fn round_down(size: f32) -> f32 {
    (size * 4.0).floor() / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style::new(34.0, [0, 0, 0]).display().centered();

    /// What the lines hold, and how wide the widest is.
    fn lines(block: &Block) -> (Vec<&str>, f32) {
        let texts = block.layout.lines().map(|line| &block.text[line.text_range()]).collect();
        (texts, block.layout.width())
    }

    #[test]
    fn a_name_is_set_smaller_then_on_several_lines_and_never_cut() {
        let mut typesetter = Typesetter::new();
        let (width, height) = (596.0, 84.0);
        let police = "Police Department of the City and County ".repeat(9);
        let word = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch".repeat(4);
        for (name, is_one_line, is_smaller) in [
            ("Harbor City Police Department", true, false),
            ("Harbor City and County Police Department", true, true),
            (police.trim_end(), false, true),
            (word.as_str(), false, true),
        ] {
            let block = typesetter.fit(name, STYLE, (width, height), 22.0);
            let (texts, widest) = lines(&block);
            assert_eq!(texts.concat(), name);
            assert!(widest <= width + 0.1 && block.height() <= height + 0.1, "{name}: {widest} by {}", block.height());
            assert_eq!((texts.len() == 1, block.style.size < STYLE.size), (is_one_line, is_smaller), "{name} at {}", block.style.size);
        }
    }

    #[test]
    fn lines_of_a_name_are_of_much_the_same_length() {
        let mut typesetter = Typesetter::new();
        let name = "Confederated Tribes of the Colville Reservation Natural Resources Enforcement Division";
        let block = typesetter.fit(name, STYLE, (596.0, 84.0), 22.0);
        let widths: Vec<f32> = block.layout.lines().map(|line| line.metrics().advance - line.metrics().hanging_advance).collect();
        assert_eq!(widths.len(), 2);
        assert!((widths[0] - widths[1]).abs() < 200.0 && widths.iter().all(|width| width + 2.0 * block.inset <= 596.1), "{widths:?}");
    }

    #[test]
    fn the_fonts_have_the_scripts_that_are_promised_and_no_other() {
        let mut typesetter = Typesetter::new();
        let mut is_whole = |text: &str, style: Style| {
            let block = typesetter.set(text, style, 1000.0);
            block.layout.lines().all(|line| line.runs().all(|run| run.clusters().all(|cluster| cluster.glyphs().all(|glyph| glyph.id != 0))))
        };
        let promised = [
            "ÀÁÂÃÄÅĀĂĄǍȀȂ ẠẢẤẦẨẪẬẮẰẲẴẶ ŁØĐÞß ñőűẅỹ",
            "Nguyễn Phước Ường",
            "Sḵwx̱wú7mesh Stḵʼéḥ Xʷməθkʷəy̓əm Kwakwa̱ka̱ʼwakw Ą́ą́ q̓ʷ λ̓ ǰ ɬ ꞌ",
            "Ἑλληνικὴ Ἀστυνομία ᾧ ΰ Θεσσαλονίκη",
            "Департамент поліції Ђорђе Ӓӱ Ґґ Ѣѣ",
            "ᏣᎳᎩ ᎠᏰᎵ ꮳꮃꭹ",
            "𐓏𐓘𐓻𐓘𐓻𐓟",
            "ᓄᓇᕗᑦ ᐃᓄᒃᑎᑐᑦ",
            "“OMC–2026” № 5 — § ½ €",
        ];
        for text in promised {
            for style in [STYLE, Style::new(11.0, [0, 0, 0]), Style::new(11.0, [0, 0, 0]).italic(), Style::new(11.0, [0, 0, 0]).bold()] {
                assert!(is_whole(text, style), "{text}");
            }
        }
        for text in ["شرطة", "משטרה", "警察", "경찰", "पुलिस", "ตำรวจ"] {
            assert!(!is_whole(text, STYLE), "{text}: docs/operating.md says that it is not there");
        }
    }
}
