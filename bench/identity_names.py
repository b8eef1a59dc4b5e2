"""Invented Cambodian names with the Latin spellings that people use, for the evaluation of the comparison of children."""

FAMILIES = """
សុខ Sok Sokh Suk|ចាន់ Chan Chann Chhan|ជា Chea Jea|កែវ Keo Kev Keov|លី Ly Li|ហេង Heng Haeng|ម៉ៅ Mao Mau|នួន Nuon Noun
ផល Phal Phol|រស់ Ros Ross|សៅ Sao Sau|ទេព Tep Teap|យឹម Yim Yem|អ៊ុក Ouk Uk|គង់ Kong Khong|ប្រាក់ Prak Brak|មាស Meas Mas
អ៊ឹម Im Em|សាន San Sann|ឃឹម Khim Khem|ឈួន Chhuon Chhoun|សោម Som Saom|ញ៉ែម Nhem Nhaem|ហែម Hem Haem|គឹម Kim Kem
ឡុង Long Loung|លឹម Lim Lem|ឡាយ Lay Lai|មាន Mean Mian|ម៉ែន Men Maen|នាង Neang Nieng|ង៉ែត Nget Ngeth|អ៊ុំ Oum Um|ប៉ែន Pen Paen
ផាន Phan Phann|រឿន Roeun Roeurn|សំ Sam Som|សេង Seng Saeng|ស៊ឹម Sim Sem|សឿន Soeun Soeurn|សួន Suon Soun|តាន់ Tan Tann
ថាច់ Thach Tach|ទូច Touch Tuch|អ៊ឹង Ung Eng|វង្ស Vong Vongs|ព្រំ Prom Prum|ហ៊ុន Hun Hon|អ៊ុន Un Oun|ឈឹម Chhim Chhem
ស្រី Srey Srei|ពៅ Pov Pao|ខៀវ Khiev Kheav|ណុប Nop Nob|ប៊ុន Bun Bunn|ភួង Phuong Phoung|ឆាយ Chhay Chhai|តាំង Taing Tang
"""
GIVENS = """
វិចិត្រ Vichet Vicheth Vichit|សុភា Sophea Sophia Sopheah|បូរ៉ា Bora Borah|ដារ៉ា Dara Darah|ស្រីមុំ Srey_Mom Sreymom Srey_Mum
រតនា Rattana Ratana Rathana|ពិសី Pisey Pisei Pisy|សំណាង Samnang Somnang Samnaang|វណ្ណា Vanna Vana Vannah|ធារី Theary Theary
មករា Makara Mokara|ចន្ថា Chantha Chanthar|កញ្ញា Kanha Kagna Kanhnha|បុប្ផា Bopha Bupha Boppha|សុវណ្ណ Sovann Sovan Suvann
លក្ខិណា Leakhena Leakena|សុខា Sokha Sokkha Sokhah|សុធា Sothea Suthea|សុភាព Sopheap Sophiep|ច័ន្ទតារា Chandara Chantara
រស្មី Reaksmey Raksmey Reaksmei|វិបុល Vibol Vibul|ពិសិដ្ឋ Piseth Pisith|វាសនា Veasna Vasna|សុជាតា Socheata Sucheata
ធីតា Thida Thyda|ចរិយា Chariya Chakriya|សុគន្ធា Sokunthea Sokunthia|មុនី Mony Muny|វុទ្ធី Vuthy Vuthi|ណារិទ្ធ Narith Narit
ស្រីពៅ Srey_Pov Sreypov|ស្រីល័ក្ខ Sreyleak Srey_Leak|ស្រីនាង Sreyneang Srey_Neang|ស្រីពេជ្រ Sreypich Srey_Pech
គឹមហេង Kimheng Kim_Heng|ហុងលី Hongly Hong_Ly|ចាន់ធី Chanthy Chan_Thy|រតនៈ Ratanak Rattanak|វីរៈ Virak Vireak
ឧត្តម Oudom Udom|សីហា Seyha Siha|តុលា Tola Tula|ប៊ុនធឿន Bunthoeun Bunthoeurn|សុផល Sophal Sophol|ផល្លី Phally Phalli
ស្រីណិច Sreynich Srey_Nich|សុម៉ាលី Somaly Sumaly|មាលា Malea Mealea|ម៉ារី Mary Maryy|រដ្ឋា Ratha Rotha|កក្កដា Kakada Kakkada
ភក្តី Pheakdey Pheakdei|ពេជ្រ Pich Pech|ចិន្តា Chenda Chinda|និមល Nimol Nimul|សារ៉ាត់ Sarat Sarath|សិរី Serey Sirey
គន្ធា Kunthea Kunthia|លីដា Lyda Lida|ដានី Dany Dani|រិទ្ធី Rithy Rithi|សោភ័ណ Sophorn Sophoan|ភិរម្យ Phirom Pirom
ថាវី Thavy Thavi|សម្បត្តិ Sambath Sambat|សុវត្ថិ Sovath Sovat|វឌ្ឍនា Vathana Vattana|ស្រីអូន Srey_Oun Sreyoun
សាវុធ Savuth Savut|ចំរើន Chamroeun Chamreun|រំដួល Romduol Rumduol|បញ្ញា Panha Panhna|ហួរ Huor Hour|ឡាំង Lang Laing
ឆវី Chhavy Chhavi|ណារី Nary Nari|តេវី Tevy Thevy|កុសល Kosal Kosol|ញ៉ាន់ Nhan Nhann|ម៉េងហុង Menghong Meng_Hong
លាងហ៊ួ Leanghour Leang_Huo|សុខលី Sokly Sok_Ly|សុខហេង Sokheng Sok_Heng|ចាន់ណា Channa Chan_Na|យូឡុង Youlong Yulong
ធារ៉ា Theara Thearah|ដាវី Davy Davi|ស៊ីណា Sina Syna|ប៉ូលី Poly Poli|មិថុនា Mithona Methona|អូនលី Ounly Unly
"""
SREYS = """
ស្រីមុំ Srey_Mom Sreymom Mom|ស្រីពៅ Srey_Pov Sreypov Pov|ស្រីនាង Srey_Neang Sreyneang Neang|ស្រីម៉ៅ Sreymao Srey_Mao Mao
ស្រីល័ក្ខ Sreyleak Srey_Leak Leak|ស្រីពេជ្រ Sreypich Srey_Pich Pich|ស្រីអូន Sreyoun Srey_Oun Oun|ស្រីនិច Sreynich Srey_Nich Nich
"""
SECOND_SERIES = """
នារី Neary Nary|មាលា Mealea Malea|នាវី Neavy Navy|វាន់នី Veanny Vanny|ធារ៉ា Theara Thara|រាហ៊ូ Reahou Rahu
លាវី Leavy Lavy|មានី Meany Many|ភារុន Phearun Pharun|ទារី Teary Tary
"""
SIMILAR_PAIRS = """
សុខា=Sokha សុខុម=Sokhom|វណ្ណា=Vanna វណ្ណី=Vanny|ចាន់ធី=Chanthy ចាន់ថា=Chantha|គឹមហេង=Kimheng គឹមហុង=Kimhong|សុភា=Sophea សុភាព=Sopheap
ដារ៉ា=Dara ដារិទ្ធ=Darith|ស្រីមុំ=Sreymom ស្រីម៉ៅ=Sreymao|សុខលី=Sokly សុខនី=Sokny|រដ្ឋា=Ratha រដ្ឋី=Rathy|វុទ្ធី=Vuthy វុទ្ធា=Vutha
ប៊ុនធឿន=Bunthoeun ប៊ុនថន=Bunthan|សុភ័ក្រ=Sopheak សុភាព=Sopheap|លីណា=Lina លីដា=Lida|ចិន្តា=Chenda ចិន្តី=Chendy|មុនី=Mony មុនា=Mona
"""


def _parse(text: str) -> list[tuple[str, tuple[str, ...]]]:
    entries = [entry.split() for line in text.strip().splitlines() for entry in line.split("|")]
    return [
        (khmer, tuple(spelling.replace("_", " ") for spelling in spellings)) for khmer, *spellings in entries
    ]


FAMILY_SPELLINGS = _parse(FAMILIES)
"""Family names in Khmer, each with its Latin spellings, the usual one first. Frequent names come first."""
GIVEN_SPELLINGS = _parse(GIVENS)
"""Given names in Khmer, each with its Latin spellings, the usual one first."""
SREY_SPELLINGS = _parse(SREYS)
"""Given names with the prefix Srey, with spellings of which the last one omits it."""
SECOND_SERIES_SPELLINGS = _parse(SECOND_SERIES)
"""Given names with a vowel that people write as `ea` or as `a`."""
SIMILAR_GIVEN_NAMES = [
    tuple((pair.partition("=")[0], pair.partition("=")[2]) for pair in entry.split())
    for line in SIMILAR_PAIRS.strip().splitlines()
    for entry in line.split("|")
]
"""Pairs of different given names that siblings have, each in Khmer and in Latin script."""
