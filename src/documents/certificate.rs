//! The certificate: one page of US Letter, landscape.

use super::sheet::{Imprint, Mark, Role, Sheet, polyline, rectangle, write};
use super::text::{Ink, Style, Typesetter};
use super::{Award, DocumentError, Signer, Stationery, in_words, qr};

const WIDTH: f32 = 792.0;
const HEIGHT: f32 = 612.0;
/// The left edge of what is written, and the right one.
const LEFT: f32 = 78.0;
const RIGHT: f32 = WIDTH - 78.0;

pub(super) const NAVY: Ink = [22, 42, 84];
pub(super) const GOLD: Ink = [166, 128, 54];
pub(super) const BLACK: Ink = [28, 28, 30];
pub(super) const GREY: Ink = [92, 96, 104];
pub(super) const RED: Ink = [164, 22, 30];

/// The certificate of an award, as PDF.
///
/// # Errors
/// Where the PDF can't be made.
pub fn certificate(stationery: &Stationery, award: &Award) -> Result<Vec<u8>, DocumentError> {
    let mut typesetter = Typesetter::new();
    let mut sheet = Sheet::new(WIDTH, HEIGHT);
    sheet.add(Role::Artifact, frame());
    if award.revoked_on.is_some() {
        let word = typesetter.set("REVOKED", Style::new(126.0, RED).display().tracked(4.0), 900.0);
        sheet.add(Role::Artifact, vec![Mark::Turned(word.into(), (WIDTH / 2.0, HEIGHT / 2.0), -24.0)]);
    }
    let top = head(&mut sheet, &mut typesetter, stationery, award);
    body(&mut sheet, &mut typesetter, stationery, award, top);
    foot(&mut sheet, &mut typesetter, stationery, award)?;
    let imprint = Imprint {
        title: format!("Certificate {} of {}", award.number, award.agency),
        author: stationery.issuer.clone(),
        id: format!("certificate {}", award.number),
        date: award.awarded_on,
    };
    write(&[sheet], &imprint, typesetter.fonts())
}

/// Two rules around the page, with a square at each corner.
fn frame() -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut rule = |inset: f32, ink, width| {
        let path = rectangle(inset, inset, WIDTH - 2.0 * inset, HEIGHT - 2.0 * inset);
        marks.extend(path.map(|path| Mark::Line(path, ink, width)));
    };
    rule(27.0, NAVY, 4.0);
    rule(35.0, GOLD, 0.9);
    for (x, y) in [(35.0, 35.0), (WIDTH - 35.0, 35.0), (35.0, HEIGHT - 35.0), (WIDTH - 35.0, HEIGHT - 35.0)] {
        marks.extend(diamond(x, y, 6.5));
    }
    marks
}

fn diamond(x: f32, y: f32, half: f32) -> Option<Mark> {
    Some(Mark::Area(polyline(&[(x, y - half), (x + half, y), (x, y + half), (x - half, y)], true)?, GOLD, 1.0))
}

/// Who issues it, and what it is; answers where it ends.
fn head(sheet: &mut Sheet, typesetter: &mut Typesetter, stationery: &Stationery, award: &Award) -> f32 {
    let width = RIGHT - LEFT;
    let issuer = typesetter.fit(&stationery.issuer.to_uppercase(), Style::new(11.5, NAVY).bold().centered().tracked(2.2), (width, 34.0), 8.0);
    let top = sheet.text(Role::Paragraph, issuer, (LEFT, 62.0));
    let title = typesetter.set("Certificate of Completion", Style::new(37.0, NAVY).display().centered(), width);
    let mut top = sheet.text(Role::Heading, title, (LEFT, top + 5.0));
    top += 9.0;
    let middle = WIDTH / 2.0;
    let mut divider: Vec<Mark> = Vec::new();
    for (from, to) in [(middle - 120.0, middle - 12.0), (middle + 12.0, middle + 120.0)] {
        divider.extend(polyline(&[(from, top), (to, top)], false).map(|path| Mark::Line(path, GOLD, 0.9)));
    }
    divider.extend(diamond(middle, top, 4.5));
    sheet.add(Role::Artifact, divider);
    let Some(day) = award.revoked_on else { return top + 10.0 };
    let words = format!("REVOKED on {}. This certification no longer holds.", in_words(day));
    let notice = typesetter.set(&words, Style { ink: [255, 255, 255], ..Style::new(12.5, RED).bold().centered() }, width);
    let height = notice.height() + 8.0;
    if let Some(band) = rectangle(LEFT, top + 12.0, width, height) {
        sheet.add(Role::Artifact, vec![Mark::Area(band, RED, 1.0)]);
    }
    sheet.text(Role::Paragraph, notice, (LEFT, top + 16.0)) + 6.0
}

/// To whom, and for what: in the middle of what is left above the foot.
fn body(sheet: &mut Sheet, typesetter: &mut Typesetter, stationery: &Stationery, award: &Award, top: f32) {
    let width = RIGHT - LEFT - 40.0;
    let bottom = 452.0;
    let small = Style::new(13.0, BLACK).italic().centered();
    let certifies = typesetter.set(&format!("The {} certifies that", without_article(&stationery.issuer)), small, width);
    let name = typesetter.fit(&award.agency, Style::new(34.0, BLACK).display().centered(), (width, 84.0), 22.0);
    let ori = award.ori.as_ref().map(|ori| typesetter.set(&format!("ORI {ori}"), Style::new(9.5, GREY).centered().tracked(1.0), width));
    let what = format!(
        "has fulfilled the pledge to the One Mind Campaign that it made on {}, meets every requirement of the standard “{}”, and is hereby recognized as",
        in_words(award.pledged_on),
        award.standard
    );
    let what = typesetter.fit(&what, Style::new(12.5, BLACK).italic().centered(), (width - 60.0, 60.0), 12.5);
    let honour = typesetter.set("One Mind Certified", Style::new(25.0, GOLD).display().centered(), width);
    let ori_height = ori.as_ref().map_or(0.0, |block| block.height() + 3.0);
    let content = certifies.height() + name.height() + ori_height + what.height() + honour.height();
    let gap = ((bottom - top - content) / 5.0).clamp(2.0, 16.0);
    let left = LEFT + 20.0;
    let spare = (bottom - top - content - 3.0 * gap).max(0.0);
    let at = sheet.text(Role::Paragraph, certifies, (left, top + spare / 2.0));
    let mut at = sheet.text(Role::Paragraph, name, (left, at + gap));
    if let Some(ori) = ori {
        at = sheet.text(Role::Paragraph, ori, (left, at + 3.0));
    }
    let at = sheet.text(Role::Paragraph, what, (left + 30.0, at + gap));
    sheet.text(Role::Paragraph, honour, (left, at + gap));
}

/// The number and the day, who signs, and where it can be checked.
fn foot(sheet: &mut Sheet, typesetter: &mut Typesetter, stationery: &Stationery, award: &Award) -> Result<(), DocumentError> {
    let (label, value) = (Style::new(8.0, GREY).tracked(0.8), Style::new(12.0, BLACK).bold());
    let mut top = 476.0;
    for (name, is) in [("CERTIFICATE NUMBER", &award.number), ("AWARDED ON", &in_words(award.awarded_on))] {
        let name = typesetter.set(name, label, 170.0);
        top = sheet.text(Role::Paragraph, name, (LEFT, top));
        let is = typesetter.fit(is, value, (170.0, 40.0), 9.0);
        top = sheet.text(Role::Paragraph, is, (LEFT, top)) + 7.0;
    }
    let signers: Vec<&Signer> = std::iter::once(&stationery.signer).chain(&stationery.second_signer).collect();
    let (width, from) = if signers.len() == 1 { (230.0, WIDTH / 2.0 - 115.0) } else { (168.0, WIDTH / 2.0 - 172.0) };
    let mut left = from;
    for signer in signers {
        signature(sheet, typesetter, signer, (left, 514.0), width);
        left += width + 16.0;
    }
    let side = 70.0;
    let (middle, top) = (RIGHT - 66.0, 463.0);
    let left = middle - side / 2.0;
    let alt = format!("QR code that leads to the public check of this certificate, {}", award.check_url);
    sheet.add(Role::Figure(alt), vec![Mark::Area(qr::code(&award.check_url, (left, top), side)?, BLACK, 1.0)]);
    let link = typesetter.fit(&award.check_url, Style::new(7.0, NAVY).centered(), (132.0, 30.0), 5.5);
    sheet.text(Role::Link(award.check_url.clone()), link, (RIGHT - 132.0, top + side + 7.0));
    Ok(())
}

fn signature(sheet: &mut Sheet, typesetter: &mut Typesetter, signer: &Signer, (left, top): (f32, f32), width: f32) {
    if let Some(line) = polyline(&[(left, top), (left + width, top)], false) {
        sheet.add(Role::Artifact, vec![Mark::Line(line, BLACK, 0.7)]);
    }
    let mut at = top + 3.0;
    if let Some(name) = &signer.name {
        let name = typesetter.fit(name, Style { leading: 1.3, ..Style::new(11.0, BLACK).bold().centered() }, (width, 28.0), 8.0);
        at = sheet.text(Role::Paragraph, name, (left, at));
    }
    for words in [&signer.title, &signer.organization] {
        let block = typesetter.fit(words, Style { leading: 1.3, ..Style::new(9.0, GREY).centered() }, (width, 24.0), 7.0);
        at = sheet.text(Role::Paragraph, block, (left, at));
    }
}

/// `The` stands before it already.
fn without_article(name: &str) -> &str {
    name.strip_prefix("The ").or_else(|| name.strip_prefix("the ")).unwrap_or(name)
}
