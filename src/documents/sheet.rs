//! Pages as they are composed, and the tagged PDF that is made of them.

use std::num::NonZeroU16;
use std::ops::Range;

use jiff::civil::Date;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::configure::{Configuration, Validator};
use krilla::error::KrillaError;
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{ArtifactType, ContentTag, SpanTag, Tag, TagGroup, TagTree};
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};

use super::DocumentError;
use super::fonts::Fonts;
use super::text::{Block, Ink};

/// What a piece of a page is to who has it read out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Role {
    /// The heading of the document.
    Heading,
    /// A paragraph.
    Paragraph,
    /// The rest of the paragraph that the piece before began, on another page.
    Continued,
    /// A picture, and what it shows.
    Figure(String),
    /// Words that lead to an address.
    Link(String),
    /// An ornament.
    Artifact,
}

/// What is drawn.
pub(super) enum Mark {
    /// Some lines of a block: its box begins at this place, and the first of the lines at its top.
    Lines(std::rc::Rc<Block>, Range<usize>, (f32, f32)),
    /// A filled area.
    Area(Path, Ink, f32),
    /// A line of a width.
    Line(Path, Ink, f32),
    /// A block that is turned about its middle, by degrees; faint.
    Turned(Box<Block>, (f32, f32), f32),
}

/// A piece of a page.
pub(super) struct Piece {
    role: Role,
    marks: Vec<Mark>,
}

/// A page.
pub(super) struct Sheet {
    size: (f32, f32),
    pieces: Vec<Piece>,
}

/// What a document says of itself.
pub(super) struct Imprint {
    /// Its title.
    pub(super) title: String,
    /// Who issues it.
    pub(super) author: String,
    /// What makes it another document than any.
    pub(super) id: String,
    /// Its date.
    pub(super) date: Date,
}

impl Sheet {
    /// An empty page of a width and height in points.
    pub(super) fn new(width: f32, height: f32) -> Self {
        Self { size: (width, height), pieces: Vec::new() }
    }

    /// All that is drawn on it.
    #[cfg(test)]
    pub(super) fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.pieces.iter().flat_map(|piece| &piece.marks)
    }

    /// Adds a piece, in the order in which it is read.
    pub(super) fn add(&mut self, role: Role, marks: Vec<Mark>) {
        self.pieces.push(Piece { role, marks });
    }

    /// Adds a block whose box begins at a place, and answers where it ends.
    pub(super) fn text(&mut self, role: Role, block: Block, at: (f32, f32)) -> f32 {
        let bottom = at.1 + block.height();
        let lines = 0..block.layout.len();
        self.add(role, vec![Mark::Lines(block.into(), lines, at)]);
        bottom
    }
}

/// A rectangle, by its left, top, width and height.
pub(super) fn rectangle(left: f32, top: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(left, top, width, height)?);
    path.finish()
}

/// A line through points; closed where asked.
pub(super) fn polyline(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(first.0, first.1);
    for (x, y) in rest {
        path.line_to(*x, *y);
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// The PDF: PDF/A-2a, with its fonts in it and its structure told. Where a name has a character that no font here has, the file has a box in its
/// place and is no PDF/A.
///
/// # Errors
/// Where the PDF can't be made.
pub(super) fn write(sheets: &[Sheet], imprint: &Imprint, fonts: &Fonts) -> Result<Vec<u8>, DocumentError> {
    let pages = sheets.iter().map(|sheet| Some((sheet, PageSettings::from_wh(sheet.size.0, sheet.size.1)?)));
    let pages: Option<Vec<(&Sheet, PageSettings)>> = pages.collect();
    let pages = pages.ok_or_else(|| DocumentError::Pdf("a page has no size".to_owned()))?;
    match write_as(Validator::A2_A, &pages, imprint, fonts) {
        Err(KrillaError::Validation(_)) => write_as(Validator::None, &pages, imprint, fonts),
        other => other,
    }
    .map_err(|error| DocumentError::Pdf(format!("{error:?}")))
}

fn write_as(validator: Validator, pages: &[(&Sheet, PageSettings)], imprint: &Imprint, fonts: &Fonts) -> Result<Vec<u8>, KrillaError> {
    let settings =
        SerializeSettings { configuration: Configuration::new_with_validator(validator), enable_tagging: true, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let mut groups: Vec<TagGroup> = Vec::new();
    for (sheet, settings) in pages {
        let mut page = document.start_page_with(settings.clone());
        let mut surface = page.surface();
        let mut links = Vec::new();
        for piece in &sheet.pieces {
            let tag = match piece.role {
                Role::Artifact => ContentTag::Artifact(ArtifactType::Other),
                Role::Figure(_) => ContentTag::Other,
                _ => ContentTag::Span(SpanTag::empty()),
            };
            let identifier = surface.start_tagged(tag);
            piece.marks.iter().for_each(|mark| draw(&mut surface, mark, fonts));
            surface.end_tagged();
            match &piece.role {
                Role::Artifact => continue,
                Role::Continued => {}
                Role::Heading => groups.push(TagGroup::new(Tag::Hn(NonZeroU16::MIN, Some(imprint.title.clone())))),
                Role::Paragraph => groups.push(TagGroup::new(Tag::P)),
                Role::Figure(alt) => groups.push(TagGroup::new(Tag::Figure(Some(alt.clone())))),
                Role::Link(address) => {
                    links.push((groups.len(), address.clone(), bounds(piece)));
                    groups.push(TagGroup::new(Tag::Link));
                }
            }
            if let Some(group) = groups.last_mut() {
                group.push(identifier);
            }
        }
        surface.finish();
        for (group, address, bounds) in links {
            let Some(rectangle) = bounds else { continue };
            let target = Target::Action(Action::Link(LinkAction::new(address.clone())));
            let identifier = page.add_tagged_annotation(Annotation::new_link(LinkAnnotation::new(rectangle, target), Some(address)));
            groups[group].push(identifier);
        }
        page.finish();
    }
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    for group in groups {
        tree.push(group);
    }
    document.set_tag_tree(tree);
    document.set_metadata(metadata(imprint));
    document.finish()
}

/// The document's date is that of the award: the same award makes the same bytes, whenever it is asked for.
fn metadata(imprint: &Imprint) -> Metadata {
    let date = imprint.date;
    let part = |value: i8| u8::try_from(value).unwrap_or(1);
    let created = DateTime::new(u16::try_from(date.year()).unwrap_or(0)).month(part(date.month())).day(part(date.day()));
    Metadata::new()
        .title(imprint.title.clone())
        .authors(vec![imprint.author.clone()])
        .creator("One Mind Registry".to_owned())
        .language("en".to_owned())
        .text_direction(TextDirection::LeftToRight)
        .document_id(imprint.id.clone())
        .creation_date(created.hour(0).minute(0).second(0).utc_offset_hour(0).utc_offset_minute(0))
}

fn bounds(piece: &Piece) -> Option<Rect> {
    piece.marks.iter().find_map(|mark| match mark {
        Mark::Lines(block, _, (left, top)) => {
            let offset = block.layout.lines().map(|line| line.metrics().offset).fold(f32::MAX, f32::min);
            Rect::from_xywh(left + block.inset + offset, *top, block.layout.width(), block.height())
        }
        _ => None,
    })
}

fn fill(ink: Ink, opacity: f32) -> Fill {
    let [red, green, blue] = ink;
    Fill { paint: rgb::Color::new(red, green, blue).into(), opacity: NormalizedF32::new(opacity).unwrap_or(NormalizedF32::ONE), ..Fill::default() }
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, fonts: &Fonts) {
    surface.set_stroke(None);
    match mark {
        Mark::Lines(block, lines, at) => {
            surface.set_fill(Some(fill(block.style.ink, 1.0)));
            draw_lines(surface, block, lines.clone(), *at, fonts);
        }
        Mark::Area(path, ink, opacity) => {
            surface.set_fill(Some(fill(*ink, *opacity)));
            surface.draw_path(path);
        }
        Mark::Line(path, ink, width) => {
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke { paint: fill(*ink, 1.0).paint, width: *width, ..Stroke::default() }));
            surface.draw_path(path);
            surface.set_stroke(None);
        }
        Mark::Turned(block, (x, y), degrees) => {
            surface.set_fill(Some(fill(block.style.ink, 0.14)));
            surface.push_transform(&Transform::from_rotate_at(*degrees, *x, *y));
            let (width, height) = (block.layout.width(), block.height());
            draw_lines(surface, block, 0..block.layout.len(), (x - width / 2.0, y - height / 2.0), fonts);
            surface.pop();
        }
    }
}

fn draw_lines(surface: &mut Surface<'_>, block: &Block, lines: Range<usize>, (left, top): (f32, f32), fonts: &Fonts) {
    let first = block.layout.get(lines.start).map_or(0.0, |line| line.metrics().block_min_coord);
    for line in lines.filter_map(|index| block.layout.get(index)) {
        let metrics = line.metrics();
        let mut x = left + block.inset + metrics.offset;
        for run in line.runs() {
            let Some(face) = fonts.faces.get(&run.font().data.id()) else { continue };
            let size = run.font_size();
            let start = x;
            let mut glyphs: Vec<KrillaGlyph> = Vec::new();
            for cluster in run.visual_clusters() {
                if cluster.is_ligature_continuation() {
                    if let Some(glyph) = glyphs.last_mut() {
                        glyph.text_range.end = cluster.text_range().end;
                    }
                    continue;
                }
                for glyph in cluster.glyphs() {
                    // Down is positive to the one, and up to the other.
                    let (dx, dy) = (glyph.x / size, -glyph.y / size);
                    glyphs.push(KrillaGlyph::new(GlyphId::new(glyph.id), glyph.advance / size, dx, dy, 0.0, cluster.text_range(), None));
                    x += glyph.advance;
                }
            }
            surface.draw_glyphs(Point::from_xy(start, top + metrics.baseline - first), &glyphs, face.clone(), &block.text, size, false);
        }
    }
}
