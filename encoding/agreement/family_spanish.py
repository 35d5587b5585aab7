"""The notice to families in Spanish, as agencies in the United States write it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from encoding.agreement.family_words import FamilyWords

SPANISH: Final = FamilyWords(
    language="es",
    months=(
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ),
    day="{day} de {month} de {year}",
    joined=" y ",
    n_days=("1 día", "{n:,} días"),
    quoted="“{text}”",
    columns=MappingProxyType(
        {
            "first_name": "nombre",
            "middle_name": "segundo nombre",
            "middle_initial": "primera letra del segundo nombre",
            "last_name": "apellidos",
            "other_names": "otros nombres",
            "suffix": "sufijo del nombre (como Jr.)",
            "birth_date": "fecha de nacimiento",
            "sex": "sexo",
            "zip": "código postal",
            "student_id": "número de estudiante",
            "case_number": "número de caso",
            "ssn": "número de Seguro Social",
            "school": "escuela",
            "district": "distrito escolar",
            "grade": "grado escolar",
            "matched_before": "coincidencias anteriores",
        }
    ),
    frequencies=MappingProxyType(
        {
            "once": "una sola vez",
            "on-request": "cuando una agencia lo pide",
            "daily": "cada día",
            "weekly": "cada semana",
            "monthly": "cada mes",
            "quarterly": "cada tres meses",
            "yearly": "cada año",
        }
    ),
    bases=MappingProxyType(
        {
            "ferpa-child-welfare": (
                "una ley federal sobre los expedientes escolares de niños en cuidado de crianza, "
                "20 U.S.C. 1232g(b)(1)(L)"
            ),
            "ferpa-audit-evaluation": (
                "normas federales para revisar programas escolares, 34 CFR 99.31(a)(3) y 99.35"
            ),
            "ferpa-studies": "normas federales sobre estudios para escuelas, 34 CFR 99.31(a)(6)",
            "consent": "el permiso de la persona, o de quien puede darlo en su nombre",
            "court-order": "una orden de un juez",
            "other": "otra ley",
        }
    ),
    opens=MappingProxyType(
        {
            "purpose": "diga en español y con palabras sencillas para qué se hace",
            "population": "diga en español y con palabras sencillas de quiénes son los datos",
            "columns": "diga en español qué es este dato",
            "onward": "diga en español quiénes son estas personas",
            "citation": "revise esta ley y diga en español de qué trata",
            "legal-hold": "diga en español qué orden es esta",
            "school-staff": "diga qué cargos tienen en la escuela las personas que pueden verlo",
            "sensitive": "diga qué puede revelar una coincidencia y quién puede verlo",
            "objection": (
                "diga quién puede oponerse, por qué ley, cómo, hasta cuándo y si la agencia debe aceptarlo"
            ),
            "contact": "ponga la oficina, el teléfono, el correo y el horario para las familias",
            "interpreter": "diga cómo pedir un intérprete y si es gratis",
        }
    ),
    school_agency="la agencia de educación",
    welfare_agency="la agencia de bienestar infantil",
    operator="la oficina de comparación",
    known_as="{title} ({known_as})",
    for_counsel="Para el asesor legal",
    draft=(
        "Borrador. Partes marcadas: {n}. El asesor legal debe completar o revisar cada una antes de "
        "entregar esta hoja a las familias."
    ),
    title="Los datos de su hijo o hija: aviso para las familias",
    lead=(
        "Para padres, tutores y jóvenes: qué se hace con algunos datos, para qué, quién los ve y a "
        "quién llamar."
    ),
    your_child=(
        "“Su hijo o hija” también puede ser un niño o joven que está a su cargo, por ejemplo, en su "
        "hogar de crianza (hogar temporal o “foster home”)."
    ),
    of_age="Si usted tiene 18 años o más, esta hoja es sobre sus propios datos.",
    what="Qué se hace",
    linked=(
        "Estas agencias tienen expedientes: {agencies}. Buscan qué expedientes son de la misma "
        "persona. A esto se le llama vincular expedientes."
    ),
    alone="{agencies} tiene expedientes y pide que se comparen.",
    people="Esto se refiere a las siguientes personas: {definition}",
    compared="Se comparan estos datos: {columns}.",
    when="Se hace {frequency}. Empieza el {start} y termina el {end}.",
    why="Para qué se hace",
    reason="Las agencias acordaron hacerlo con este fin: {purpose}",
    promise=(
        "Todos los que participan prometieron no usar los códigos ni las coincidencias para averiguar "
        "quién es una persona. También prometieron no permitir que otros lo hagan."
    ),
    protection="Cómo se protegen los nombres",
    coded=(
        "Cada agencia convierte los nombres, las fechas de nacimiento y los demás datos en códigos. Lo "
        "hace en su propia computadora, con una clave secreta. Solo las agencias tienen la clave. "
        "{Operator} recibe los códigos y los compara. No recibe los nombres ni la clave."
    ),
    comparer="{Operator} es {title}.",
    patterns=(
        "Esa oficina ve cuántos expedientes hay. Ve qué códigos se parecen y cuánto. Con eso, alguien "
        "que tenga una lista de posibles personas podría averiguar quiénes son unos cuantos niños."
    ),
    not_anonymous=(
        "Por eso los códigos siguen siendo datos privados de su hijo o hija. No ocultan por "
        "completo quién es un niño. Quien tenga los códigos y la clave podría adivinar de quién son. Por eso "
        "la clave nunca debe llegar a {operator}."
    ),
    mistakes="Una coincidencia puede ser un error. También puede quedar alguna sin encontrar.",
    reviewed="Si hay dudas sobre una coincidencia, el personal de {reviewer} revisa los datos y decide.",
    card=(
        "Para eso puede ver estos datos de {giver}: {columns}. Puede verlos aunque al final resulte que "
        "el niño no tiene coincidencia."
    ),
    who="Quién ve qué",
    receives="{Receiver} se entera de cuáles de sus propios expedientes coinciden con los de {others}.",
    blind=(
        "{Receiver} se entera de qué filas de las que recibe son de una misma persona. Así las "
        "agencias no se enteran de qué expedientes coinciden."
    ),
    counted="{Receiver} solo se entera de cuántas coincidencias hay.",
    counted_from=(
        "{Receiver} solo se entera de cuántas coincidencias hay. Si son menos de {floor}, no recibe el "
        "número."
    ),
    onward="{Receiver} puede compartir lo que recibe con estas personas, y con nadie más: {onward}",
    no_onward="{Receiver} no puede compartir con nadie lo que recibe.",
    handed_over="Si hay una coincidencia, {giver} también puede dar estos datos a {receiver}: {columns}.",
    audited="{Title} revisa el historial de lo que se hizo. En ese historial no hay nombres de niños.",
    tabulated="Todos pueden ver tablas de cuántos niños tienen una coincidencia, según: {columns}.",
    tabulated_from=(
        "Todos pueden ver tablas de cuántos niños tienen una coincidencia, según: {columns}. No muestran "
        "ningún número menor de {floor}."
    ),
    membership=(
        "Una agencia que conoce el nombre de un niño puede ponerlo en su archivo. Así puede averiguar si "
        "la otra agencia tiene datos de ese niño. El acuerdo pone límites a esto, pero no puede "
        "impedirlo por completo."
    ),
    sensitive="Una coincidencia puede revelar algo privado de un niño: {sensitive}",
    foster_care=(
        "Una coincidencia puede mostrar a {school_agency} que un niño está en cuidado de crianza (en "
        "inglés, “foster care”). Eso es privado. Solo pueden saberlo las personas que tienen derecho a "
        "ello según este acuerdo y la ley."
    ),
    school_staff=(
        "En la escuela, estas personas pueden ver que un niño está en cuidado de crianza: "
        "{school_staff}"
    ),
    how_long="Cuánto tiempo se guarda",
    codes_kept="Los códigos se destruyen {n_days} después de enviarse.",
    matches_kept="{Operator} guarda la lista de coincidencias durante {n_days}.",
    broker_end="A más tardar el {day}, {operator} ya no tendrá códigos ni coincidencias.",
    receiver_end=(
        "Todos los que recibieron coincidencias deben destruir sus listas a más tardar ese día y "
        "firmar que lo hicieron. {Operator} no puede hacerlo por ellos."
    ),
    log_kept="Se guarda un historial de lo que se hizo. No tiene datos de las personas con coincidencias.",
    held="Por ahora no se destruye nada, por esta orden: {legal_hold}",
    law="Qué leyes se aplican",
    paper="Con ese acuerdo se cumple el convenio de intercambio de datos {number} del {day}.",
    signed="Antes, todos los que participan deben firmar un acuerdo. Sin él no se compara nada.",
    disclosed="De {giver} a {receiver}: {basis}.",
    number_basis="Para comparar el {number}: {basis}.",
    rights="Qué puede pedir usted",
    ask=(
        "Puede preguntar qué datos de su hijo o hija se compartieron. Cada agencia puede ver qué se "
        "compartió de sus propios expedientes."
    ),
    wrong="Puede avisar que una coincidencia es un error. La agencia puede revisarla y anularla.",
    left_out=(
        "Puede pedir que no se use el expediente de su hijo o hija. La agencia puede dejarlo fuera a "
        "partir de ese momento. No puede recuperar lo que otros ya recibieron."
    ),
    objection="Quién puede oponerse y cómo: {objection}",
    call="A quién llamar",
    contact="{title}: {contact}",
    interpreter="Ayuda en su idioma: {interpreter}",
    source=(
        "Esta hoja se hizo a partir del acuerdo {number} del proyecto {project}, con el código de "
        "verificación {fingerprint}. Si esta hoja y el acuerdo no dicen lo mismo, vale el acuerdo."
    ),
)
